package iso8583

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noon is the moment of sending in the tests, as seen in Berlin.
var noon = time.Date(2030, 1, 1, 13, 0, 0, 0, time.FixedZone("CET", 3600))

func TestResponseTypes(t *testing.T) {
	for request, want := range map[MTI]MTI{
		"0100": "0110", "0101": "0110", "0120": "0130", "0121": "0130", "0200": "0210", "0220": "0230", "0221": "0230",
		"0400": "0410", "0401": "0410", "0420": "0430", "0421": "0430", "0800": "0810",
		"0110": "", "0130": "", "0810": "", "": "", "010": "", "01x0": "", "01b0": "",
	} {
		require.Equal(t, want, request.Response(), "to %q", request)
	}
}

func TestResponseEchoes(t *testing.T) {
	request := authorisation()
	request.Other = map[int]string{100: "12345", 120: "private"}
	request.AcquirerID, request.PINBlock, request.NetworkID = "400001", make([]byte, 8), "123"
	response := Response(request, "51")
	require.Equal(t, &Message{
		MTI: AuthorisationResponse, PAN: request.PAN, ProcessingCode: "000000", Amount: minor(1250), TransmissionTime: "0101120000",
		STAN: "000001", LocalTime: "130000", LocalDate: "0101", NetworkID: "123", AcquirerID: "400001", RRN: "000112000001",
		ResponseCode: "51", TerminalID: "TAPSIM01", MerchantID: "TAPSIM-MERCH-01", Currency: "978", Other: map[int]string{100: "12345"},
	}, response)
	*response.Amount = 0
	require.Equal(t, int64(1250), *request.Amount, "the answer has an amount of its own")
}

func TestReversalNamesItsOriginal(t *testing.T) {
	original := authorisation()
	original.AcquirerID, original.ForwardingID = "400001", "12345678901"
	original.PINBlock, original.SecurityControl, original.MAC = make([]byte, 8), "2001010100000000", make([]byte, 8)
	m := Reversal(original, Stamp{STAN: 7, Time: noon.Add(45 * time.Second)}, "")
	require.Equal(t, "0100"+"000001"+"0101120000"+"00000400001"+"12345678901", m.OriginalData)
	require.Equal(t, "0101120045", m.TransmissionTime)
	require.Equal(t, "000007", m.STAN)
	require.Equal(t, original.RRN, m.RRN)
	require.Empty(t, m.PINBlock)
	require.Empty(t, m.MAC)
	require.Empty(t, m.SecurityControl)
	require.NoError(t, Validate(m))
	require.Equal(t, ReversalRepeat, Repeat(m).MTI)
	require.Equal(t, "010000000000000000000000000000000000000000", OriginalElements(&Message{MTI: "0100"}))
}

func TestAdvice(t *testing.T) {
	m := Advice(authorisation(), "Y1")
	require.Equal(t, AuthorisationAdvice, m.MTI)
	require.Equal(t, "Y1", m.ResponseCode)
	require.Equal(t, "000001", m.STAN)
	require.NoError(t, Validate(m))
	require.NoError(t, Validate(Repeat(m)))
	purchase := authorisation()
	purchase.MTI = FinancialRequest
	require.Equal(t, FinancialAdviceRepeat, Repeat(Advice(purchase, "00")).MTI)
}

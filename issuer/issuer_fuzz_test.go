package issuer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
)

// FuzzField55 sends any chip data: the bank always answers with a code, says
// yes to a request only when a right ARQC is in it, and keeps its books. What it
// read of the data, written again, is read alike.
func FuzzField55(f *testing.F) {
	f.Add(plasticTap(1, 12_50).icc(f))
	f.Add(unhex(workedICC))
	f.Add([]byte{0x9F})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, icc []byte) {
		b := newBank(t, nil)
		m := plasticTap(1, 12_50).message(t, iso8583.FinancialRequest, 1)
		m.ICCData = icc
		decided, err := b.Handle(context.Background(), m, nil) // a diagnosis would take most of the time
		require.NoError(t, err)
		answer := decided.Message
		require.NotEmpty(t, Code(answer.ResponseCode).Meaning())
		if answer.ResponseCode == "00" {
			_, report := newBank(t, nil).handle(m)
			require.Equal(t, OK, report.Cryptogram)
			require.Equal(t, int64(487_50), b.account().Balance)
		} else {
			require.Equal(t, int64(500_00), b.account().Balance)
		}
		b.audit()
		c, err := parseChip(icc)
		if err != nil {
			require.Equal(t, "30", answer.ResponseCode)
			return
		}
		again, err := parseChip(iccOf(&c.elements, c.cryptogram, c.cid))
		require.NoError(t, err)
		require.Equal(t, c.elements, again.elements)
		require.Equal(t, c.cryptogram, again.cryptogram)
	})
}

// FuzzStoredAnswer reads any bytes as a stored answer: what can be read is
// written back to the same answer.
func FuzzStoredAnswer(f *testing.F) {
	amount := int64(12_50)
	f.Add(encodeAnswer(&iso8583.Message{STAN: "000001", ResponseCode: "00", Amount: &amount, ICCData: []byte{0x91, 0}, OriginalData: "1"}))
	f.Add([]byte{39, 0, 2, '0', '0'})
	f.Fuzz(func(t *testing.T, stored []byte) {
		request := &iso8583.Message{MTI: "0101", PAN: string(testCard)}
		m, err := decodeAnswer(request, stored)
		if err != nil {
			require.Nil(t, m)
			return
		}
		require.Equal(t, iso8583.AuthorisationResponse, m.MTI)
		again, err := decodeAnswer(request, encodeAnswer(m))
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}

// FuzzMessage sends any texts in the fields that the bank reads.
func FuzzMessage(f *testing.F) {
	f.Add("0100", string(testCard), "000000", "0101120000", "000001", "12345", "000112000001", "TAPSIM01", "978", "", "")
	f.Add("0420", string(testToken), "000000", "0101120000", "000001", "", "", "TAPSIM01", "978", "010000000101011200000000001234500000000000", "")
	f.Add("0400", "", "", "1231235959", "999999", "", "x", "T", "000", "", "000000000001000000000000C00000000C00000000")
	f.Fuzz(func(t *testing.T, mti, pan, processing, time, stan, acquirer, rrn, terminal, currency, original, replacement string) {
		b := newBank(t, nil)
		amount := int64(12_50)
		m := &iso8583.Message{
			MTI: iso8583.MTI(mti), PAN: pan, ProcessingCode: processing, Amount: &amount, TransmissionTime: time, STAN: stan, AcquirerID: acquirer,
			RRN: rrn, TerminalID: terminal, Currency: currency, OriginalData: original, ReplacementAmounts: replacement, Track2: replacement,
		}
		first, err := b.Handle(context.Background(), m, new(Report))
		require.NoError(t, err)
		if first.Message != nil {
			second, err := b.Handle(context.Background(), m, nil)
			require.NoError(t, err)
			require.Equal(t, first.Message, second.Message, "a repeat")
		}
		if !kindOf(m.MTI).advice {
			require.Equal(t, int64(500_00), b.account().Available(), "no cryptogram, no money")
		}
		b.audit()
	})
}

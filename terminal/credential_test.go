package terminal_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
)

// unionPayCode is the answer QRC_GENERATION of UnionPay International's developer
// documentation.
const unionPayCode = "hQVDUFYwMWFYTwigAAADMwEBAVcTYpJhA1hEQzVkHSIQIBAAABiAH180AQBjM58mCFaLEtnaC9l/nycBgJ8QEQcAAQOgAAABCDM5OTk5OTk5nzYCAAGCAgAAnzcE6gZYyA=="

// TestScanPublishedCode: what of a code goes where in the request.
func TestScanPublishedCode(t *testing.T) {
	host := &approving{}
	res, err := shop(t, host, nil).Scan(context.Background(), unionPayCode, terminal.Request{Amount: 1250, STAN: 42, Trace: func(kernel.Step) {}})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, res.Outcome)
	require.Equal(t, emv.SchemeUnionPay, res.Scheme)
	require.Len(t, res.Tap.Steps, 2)
	m := host.got[0]
	require.NoError(t, iso8583.Validate(m))
	icc := m.ICCData
	m.ICCData = nil
	amount := int64(1250)
	require.Equal(t, &iso8583.Message{
		MTI: "0100", PAN: "6292610358444335641", ProcessingCode: "000000", Amount: &amount, TransmissionTime: "0101120000", STAN: "000042",
		LocalTime: "120000", LocalDate: "0101", Expiry: "2210", MerchantCategory: "5999", AcquirerCountry: "276", EntryMode: "031",
		PANSequence: "000", ConditionCode: "00", Track2: "6292610358444335641=22102010000018801", RRN: "000112000042",
		TerminalID: "TAPSIM01", MerchantID: "TAPSIM-MERCH-01", MerchantName: "TAPSIM TEST SHOP         BERLIN       DE", Currency: "978",
	}, m)
	require.Equal(t, unhex(t, "8408A000000333010101 9F2608568B12D9DA0BD97F 9F270180 9F101107000103A0000001083339393939393939 9F36020001 82020000 9F3704EA0658C8 5F340100"), icc)
	require.Equal(t, "QR code", res.Receipt.Entry)
	require.NotContains(t, res.Receipt.String(), "629261")
}

func TestScanRefuses(t *testing.T) {
	ctx, host := context.Background(), &approving{}
	one := terminal.Request{Amount: 1}
	for text, want := range map[string]string{
		"":                    "",
		"6212345678901234567": "only its network knows whose it is",
		"hQVDUFYwMWEa":        "tag 61 says 26 bytes",
		"hQVDUFYwMmEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=": "the data begin with 8505 and CPV01",
	} {
		_, err := shop(t, host, nil).Scan(ctx, text, one)
		require.ErrorContains(t, err, want, text)
	}
	for _, r := range []terminal.Request{{}, {Amount: 1, Type: 0x20}, {Amount: -1}} {
		_, err := shop(t, host, nil).Scan(ctx, unionPayCode, r)
		require.Error(t, err)
	}
	res, err := shop(t, host, nil).Scan(ctx, "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=", one)
	require.NoError(t, err)
	require.Equal(t, kernel.EndApplication, res.Outcome, "an application that the terminal does not take")
	require.Empty(t, host.got)
}

// TestSoftDeclinesWithoutATap: there are no contacts to put a code into.
func TestSoftDeclinesWithoutATap(t *testing.T) {
	for _, code := range []string{"65", "70", "1A"} {
		res, err := shop(t, &approving{code: code}, nil).Scan(context.Background(), unionPayCode, terminal.Request{Amount: 1})
		require.NoError(t, err)
		require.Equal(t, kernel.Declined, res.Outcome)
		require.True(t, res.SoftDecline)
	}
}

package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram/pin"
	"tapsim/emv"
	"tapsim/issuer"
)

func TestDemoBank(t *testing.T) {
	bank, err := Demo()
	require.NoError(t, err)
	store := issuer.NewMemory()
	iss, err := issuer.New(bank.Config, store, issuer.Env{Now: func() time.Time { return time.Unix(0, 0) }, Rand: rand.NewChaCha8([32]byte{})})
	require.NoError(t, err)
	for range 2 { // the second time everything is there
		notes, err := iss.Install(context.Background(), bank.Setup)
		require.NoError(t, err)
		require.Empty(t, notes)
	}
	a, ok, err := store.Account("DEMO-0001")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, int64(100_000_00), a.Balance)
	require.Equal(t, uint16(978), a.Currency)
	token, ok, err := store.Instrument(store.IndexPAN(emv.WithCheckDigit("476173900200001")))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "0119", token.LastFour)
	require.Equal(t, issuer.Token, token.Kind)
	require.NoError(t, issuer.Audit(context.Background(), store))
}

// TestCommentedRule reads the example rule that the demo file explains.
func TestCommentedRule(t *testing.T) {
	head, example, found := strings.Cut(string(demo), "rules: []\n")
	require.True(t, found)
	text := head + "rules:\n" + strings.ReplaceAll("\n"+example, "\n#", "\n")
	bank, err := Parse("x.yaml", []byte(text))
	require.NoError(t, err)
	amount := int64(51_00)
	require.Equal(t, []issuer.Rule{{
		Name: "fifty-one", MTI: "0100", Amount: &amount, AmountFrom: 50_00, AmountTo: 60_00, PANSuffix: "0119", Merchant: "TAPSIM-MERCH-01",
		Terminal: "TAPSIM01", Currency: "978", Nth: 3, Response: "51", Override: true, Silence: issuer.SilenceAnswer, Delay: 8 * time.Second,
		Script: []issuer.ScriptCommand{{Header: [4]byte{0x84, 0x1E}, Data: []byte{}}},
	}}, bank.Config.Rules)
}

// TestCommentedEverydayRules reads what the demo file explains in comments.
func TestCommentedEverydayRules(t *testing.T) {
	text := strings.Replace(string(demo), "# contactless:\n#   count: 5\n#   amount:", "contactless:\n  count: 5\n  amount:", 1)
	_, example, found := strings.Cut(text, "# - name: night-abroad\n")
	require.True(t, found)
	example = "  - name: night-abroad\n" + strings.ReplaceAll(strings.SplitN(example, "\n\n", 2)[0], "#   ", "    ")
	text = strings.Replace(text, "monitoring:\n", "monitoring:\n"+example+"\n", 1)
	bank, err := Parse("x.yaml", []byte(text))
	require.NoError(t, err)
	require.Equal(t, issuer.Contactless{Count: 5, Amount: 150_00}, bank.Config.Contactless)
	require.Equal(t, issuer.MonitorRule{Name: "night-abroad", Outside: []uint16{276}, From: 22 * 60, To: 5 * 60, Response: "59"}, bank.Config.Monitoring[0])
	require.Equal(t, issuer.MonitorRule{Name: "many-at-once", MoreThan: 5, Within: time.Minute}, bank.Config.Monitoring[1])
	require.Equal(t, []any{7 * 24 * time.Hour, int64(25_00), uint16(276), 150}, []any{bank.Config.HoldsExpire, bank.Config.StandIn.MaxAmount, bank.Config.Country, bank.Config.Exchange.CrossBorderFee})
}

func TestMistakesAreNamedWithTheirLine(t *testing.T) {
	lineOf := func(part string) string {
		at := bytes.Index(demo, []byte(part))
		require.GreaterOrEqual(t, at, 0, part)
		return "bank.yaml:" + strconv.Itoa(1+bytes.Count(demo[:at], []byte("\n"))) + ": "
	}
	for _, c := range []struct{ name, old, new, at, want string }{
		{"unknown key", "fallback: false", "fallbak: false", "fallback: false", "unknown key fallbak"},
		{"unquoted hex", `dki: "01"                # der`, `dki: 01                # der`, `dki: "01"                # der`, "must stand in quotes"},
		{"half a byte", `ac: "2315208C`, `ac: "315208C`, `ac: "2315208C`, "not hex"},
		{"key length", `ac: "2315208C9110AD402315208C9110AD40"`, `ac: "23152080"`, `ac: "2315208C`, "key_sets[0].ac: 3DES does not take a key of 4 bytes"},
		{"scheme", "scheme: visa             #", "scheme: vista             #", "scheme: visa             #", `there is no scheme "vista"`},
		{"kind", "kind: card               #", "kind: cart               #", "kind: card               #", "want card or token"},
		{"key set", "key_sets: [visa-test]\n  - prefix: \"4761739002\"", "key_sets: [visa]\n  - prefix: \"4761739002\"", "key_sets: [visa-test]", `there is no key set "visa"`},
		{"wrong scheme", "kind: card\n    key_sets: [mastercard-test]", "kind: card\n    key_sets: [visa-test]", "key_sets: [mastercard-test]", `key set "visa-test" is for visa, the range for mastercard`},
		{"overlap", `prefix: "4761739002"`, `prefix: "476173"`, `prefix: "4761739002"`, "overlaps ranges[0]"},
		{"currency", "currency: EUR\n", "currency: EURO\n", "currency: EUR\n", `"EURO" is not a currency`},
		{"amount", `max_amount: "10000.00"`, `max_amount: "10000.001"`, `max_amount: "10000.00"`, "EUR has 2 decimals"},
		{"gap", "max_gap: 50 ", "max_gap: 0 ", "max_gap: 50 ", "want 1 to 65535"},
		{"behind", "max_behind: 10", "max_behind: 16", "max_behind: 10", "want 0 to 15"},
		{"lifetime", "lifetime: 120h", "lifetime: 10m", "lifetime: 120h", "want an hour to a year"},
		{"status", "status: active           #", "status: asleep           #", "status: active           #", `"asleep"`},
		{"rule", "rules: []", "rules: [{name: x, when: {nth: 1}}]", "rules: []", "no consequence"},
		{"days", "max_days: 3", "max_days: -1", "max_days: 3", "want 0 to 366"},
		{"verification limit", `limit: "50.00"`, `limit: "50,00"`, `limit: "50.00"`, "verification.limit"},
		{"verification response", "  # response: \"1A\"", "  response: \"00\"", "  # response: \"1A\"", "not a code that declines"},
		{"second use", "within: 5m ", "within: 2h ", "within: 5m ", "want 0 to 1h"},
		{"silence", "rules: []", "rules: [{name: x, then: {silence: loud}}]", "rules: []", "want answer or request"},
		{"script", "rules: []", "rules: [{name: x, then: {script: [\"841E00\"]}}]", "rules: []", "rules[0].then.script[0]: 3 bytes, want CLA INS P1 P2"},
		{"long script", "rules: []", "rules: [{name: x, then: {script: [\"841E0000" + strings.Repeat("00", 186) + "\"]}}]", "rules: []", "201 bytes, at most 200"},
		{"decision", "decision: code\n", "decision: maybe\n", "decision: code\n", "want code, approve or refuse"},
		{"exception", "  # exceptions:            #", "  exceptions: [{pan_suffix: \"12\", decision: no}]            #", "  # exceptions:", "token_service.exceptions[0].decision"},
		{"empty exception", "  # exceptions:            #", "  exceptions: [{decision: approve}]            #", "  # exceptions:", "want the last digits of a card"},
		{"code tries", "code_tries: 3 ", "code_tries: 11 ", "code_tries: 3 ", "want 1 to 10"},
		{"code life", "code_life: 10m", "code_life: 25h", "code_life: 10m", "want at most a day"},
		{"years", "years: 5 ", "years: 21 ", "years: 5 ", "want 1 to 20"},
		{"security code key", "  # security_code_key: \"0123456789ABCDEFFEDCBA9876543210\"", "  security_code_key: \"0123\"", "  # security_code_key", "token_service.security_code_key"},
		{"amount of a key", "  # amount: \"500.00\"", "  amount: \"5,00\"", "  # amount: \"500.00\"", "limited_use_keys.amount"},
		{"country", `country: "276"`, `country: "999"`, `country: "276"`, "not a number of ISO 3166-1"},
		{"rate", `USD: "0.92"`, `USD: "0,92"`, `USD: "0.92"`, "want up to 12 digits"},
		{"rate of nothing", `USD: "0.92"`, `EUX: "0.92"`, `USD: "0.92"`, "not a currency"},
		{"rate of its own", `USD: "0.92"`, `EUR: "0.92"`, "  rates:\n", "needs no rate"},
		{"fee", `cross_border_fee: "1.50"`, `cross_border_fee: "101.00"`, `cross_border_fee: "1.50"`, "want 0 to 10000"},
		{"holds", "expire: 168h", "expire: 9000h", "expire: 168h", "want up to a year"},
		{"stand-in", `max_amount: "25.00"`, `max_amount: "-1"`, `max_amount: "25.00"`, "want digits"},
		{"monitoring", "    replay: true ", "    replay: false ", "- name: replay", "it has no condition"},
		{"time of day", "    replay: true ", "    from: \"25:00\"\n    to: \"26:00\"\n    replay: true ", "    replay: true ", "not a time of day"},
		{"response", "rules: []", "rules: [{name: x, then: {response: \"5\"}}]", "rules: []", "not two letters or digits"},
	} {
		require.Equal(t, 1, strings.Count(string(demo), c.old), c.name)
		text := strings.Replace(string(demo), c.old, c.new, 1)
		_, err := Parse("bank.yaml", []byte(text))
		require.ErrorContains(t, err, c.want, c.name)
		require.True(t, strings.HasPrefix(err.Error(), lineOf(c.at)), "%s: %v, want %s", c.name, err, lineOf(c.at))
	}
	_, err := Parse("bank.yaml", []byte("currency: EUR\n"))
	require.EqualError(t, err, "bank.yaml: key_sets: at least one key set is needed")
}

// TestSetupMistakesAreNamedWithTheirLine: what only the bank can tell, because it
// knows the ranges and what is there.
func TestSetupMistakesAreNamedWithTheirLine(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"account: DEMO-0001", "account: DEMO-0002", "cards[0]: card 476173******0119: there is no account DEMO-0002"},
		{`pan: "4761739001010119"`, `pan: "4761739001010118"`, "cards[0]: card 476173******0118: not an account number"},
		{`requestor: "40010030001"`, `requestor: "4001"`, "tokens[0]: a token requestor id has 11 digits"},
		{`card: "4761739001010119"`, `card: "4761739001010994"`, "tokens[0]: there is no card 476173******0994"},
		{"id: DEMO-0001", "id: bank:x", "accounts[0]: account names that start with bank:"},
	} {
		text := strings.Replace(string(demo), c.old, c.new, 1)
		bank, err := Parse("bank.yaml", []byte(text))
		require.NoError(t, err)
		_, err = install(t, bank, issuer.NewMemory())
		at := strings.Index(text, "\n"+c.want[:strings.Index(c.want, "[")]+":\n") // the list's key; its first item is the next line
		line := strings.Count(text[:at+1], "\n") + 2
		require.ErrorContains(t, bank.Locate(err), fmt.Sprintf("bank.yaml:%d: %s", line, c.want))
	}
	plain := errors.New("disk full")
	require.Equal(t, plain, (&Bank{}).Locate(plain))
}

func install(t *testing.T, bank Bank, store issuer.Store) ([]issuer.Note, error) {
	t.Helper()
	iss, err := issuer.New(bank.Config, store, issuer.Env{Now: func() time.Time { return time.Unix(0, 0) }, Rand: rand.NewChaCha8([32]byte{})})
	require.NoError(t, err)
	return iss.Install(context.Background(), bank.Setup)
}

// TestChangesAfterTheFirstStart are told, not made.
func TestChangesAfterTheFirstStart(t *testing.T) {
	store := issuer.NewMemory()
	bank, err := Demo()
	require.NoError(t, err)
	_, err = install(t, bank, store)
	require.NoError(t, err)
	text := string(demo)
	for _, change := range [][2]string{
		{`balance: "100000.00"`, `balance: "5.00"`}, {`expiry: "4912"           # YYMM`, `expiry: "5012"           # YYMM`},
		{`requestor: "40010030001"`, `requestor: "40010030002"`}, {"    status: active\n", "    status: suspended\n"},
	} {
		require.Equal(t, 1, strings.Count(text, change[0]), change[0])
		text = strings.Replace(text, change[0], change[1], 1)
	}
	bank, err = Parse("bank.yaml", []byte(text))
	require.NoError(t, err)
	notes, err := install(t, bank, store)
	require.NoError(t, err)
	require.Equal(t, []issuer.Note{
		{Field: "accounts[0].balance", Text: "the set-up says 5.00 EUR, the bank started with 100000.00 EUR, which stays"},
		{Field: "cards[0].expiry", Text: "the set-up says 5012, the bank started with 4912, which stays"},
		{Field: "tokens[0].status", Text: "the set-up says suspended, the bank has active, which stays"},
		{Field: "tokens[0].requestor", Text: "the set-up says 40010030002, the bank started with 40010030001, which stays"},
	}, notes)
	line := 1 + strings.Count(text[:strings.Index(text, "balance: \"5.00")], "\n")
	require.Equal(t, fmt.Sprintf("bank.yaml:%d: accounts[0].balance", line), bank.Where(notes[0].Field))
}

// The demo cards have the PIN 1234, as the file and the command line say.
func TestDemoPINs(t *testing.T) {
	bank, err := Demo()
	require.NoError(t, err)
	rules := bank.Config.PIN
	require.NotEmpty(t, rules.Values)
	for _, v := range rules.Values {
		value, err := pin.PVV(rules.Verification, rules.KeyIndex, "1234", string(v.PAN))
		require.NoError(t, err)
		require.Equal(t, value, v.Value, v.PAN)
	}
}

package qr

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

func TestChecksum(t *testing.T) {
	require.Equal(t, uint16(0x29B1), checksum("123456789"), "the check value of CRC-16/CCITT-FALSE")
	require.Equal(t, uint16(0xFFFF), checksum(""))
	for _, s := range merchantSamples {
		require.Equal(t, s.text[len(s.text)-4:], fmt.Sprintf("%04X", checksum(s.text[:len(s.text)-4])), s.source)
	}
	// Leading zeros, seen in the world.
	require.Equal(t, uint16(0x00D7), checksum(strings.TrimSuffix(merchantRefused[2].text, "00D7")))
	require.Equal(t, uint16(0x0B8B), checksum(strings.TrimSuffix(merchantRefused[3].text, "B8B")))
}

func TestMerchantSamples(t *testing.T) {
	for _, s := range merchantSamples {
		m, err := ParseMerchant(s.text)
		require.NoError(t, err, s.source)
		again, err := m.Text()
		require.NoError(t, err, s.source)
		if s.exact {
			require.Equal(t, s.text, again, s.source)
		}
		back, err := ParseMerchant(again)
		require.NoError(t, err, s.source)
		require.Equal(t, m, back, s.source)
		require.Equal(t, KindMerchant, KindOf(s.text))
	}
	for _, s := range merchantRefused {
		_, err := ParseMerchant(s.text)
		require.ErrorContains(t, err, s.want, s.source)
		items, err := Explain(s.text, false)
		require.ErrorContains(t, err, s.want, s.source)
		require.NotEmpty(t, items, "what can be read is explained: %s", s.source)
	}
}

// The published example, field by field.
func TestMerchantFields(t *testing.T) {
	m, err := ParseMerchant(merchantSamples[0].text)
	require.NoError(t, err)
	yuan, _ := emv.CurrencyByAlpha("CNY")
	amount := int64(2372)
	require.Equal(t, Merchant{
		Initiation: Dynamic,
		Accounts: []Template{
			{ID: 29, GUID: "D15600000000", Objects: []Object{{5, "A93FO3230Q"}}},
			{ID: 31, GUID: "D15600000001", Objects: []Object{{3, "12345678"}}},
		},
		Category: "4111", Currency: yuan, Amount: &amount, Tip: Tip{Kind: TipAsk}, Country: "CN", Name: "BEST TRANSPORT", City: "BEIJING",
		Additional: Additional{Store: "1234", Customer: AskPayer, Terminal: "A6008667", Ask: "ME"},
		Language:   Language{Code: "ZH", Name: "最佳运输", City: "北京"},
		Unreserved: []Template{{ID: 91, GUID: "A011223344998877", Objects: []Object{{7, "12345678"}}}},
	}, m)
	a, ok := m.Account("d15600000001")
	require.True(t, ok)
	require.Equal(t, Value("12345678"), a.Object(3))
	require.Empty(t, a.Object(4))
	_, ok = m.Account("")
	require.False(t, ok)
}

// shop is a code of our own with something in every place.
func shop() Merchant {
	yen, _ := emv.CurrencyByAlpha("JPY")
	return Merchant{
		Initiation: Static,
		Accounts: []Template{
			{ID: 2, Value: "4761739001010119"},
			{ID: 15, Value: "0310000000033100TAPSIM-MERCH-01"},
			{ID: 26, GUID: NetworkID, Objects: []Object{{1, "TAPSIM-MERCH-01"}}},
		},
		Category: "5814", Currency: yen, Country: "JP", Name: "TAPSIM TEST SHOP", City: "TOKYO", PostalCode: "100-0001",
		Additional: Additional{Bill: "B1", Mobile: AskPayer, Store: "S", Loyalty: "L", Reference: "R", Customer: "C", Terminal: "T", Purpose: "P", Ask: "EMA",
			TaxID: "DE1", Channel: "120", Reserved: []Object{{12, "x"}}, Templates: []Template{{ID: 50, GUID: "t", Objects: []Object{{1, "é"}}}}},
		Language:   Language{Code: "ja", Name: "茶室", City: "東京", Reserved: []Object{{3, "z"}}},
		Reserved:   []Object{{65, "00"}, {79, "later"}},
		Unreserved: []Template{{ID: 80, GUID: "A0", Objects: []Object{{99, "v"}}}, {ID: 99, GUID: "B0"}},
	}
}

func TestMerchantBothWays(t *testing.T) {
	amount := int64(500)
	for name, change := range map[string]func(*Merchant){
		"everything":       func(*Merchant) {},
		"amount":           func(m *Merchant) { m.Amount = &amount },
		"tip":              func(m *Merchant) { m.Tip.Kind = TipAsk },
		"fixed fee":        func(m *Merchant) { m.Tip = Tip{Kind: TipFixed, Fixed: 20} },
		"percentage":       func(m *Merchant) { m.Tip = Tip{Kind: TipPercent, Percent: 350} },
		"whole percentage": func(m *Merchant) { m.Tip = Tip{Kind: TipPercent, Percent: 1000} },
		"no point of initiation, nothing optional": func(m *Merchant) {
			*m = Merchant{Accounts: m.Accounts[:1], Category: "0000", Currency: m.Currency, Country: "JP", Name: "N", City: "C"}
		},
	} {
		m := shop()
		change(&m)
		text, err := m.Text()
		require.NoError(t, err, name)
		back, err := ParseMerchant(text)
		require.NoError(t, err, name)
		require.Equal(t, m, back, name)
	}
}

func TestMerchantTextRefuses(t *testing.T) {
	amount, zero, huge, negative := int64(5), int64(0), int64(emv.MaxAmount+1), int64(-5)
	for name, c := range map[string]struct {
		change func(*Merchant)
		want   string
	}{
		"a zero Merchant":           {func(m *Merchant) { *m = Merchant{} }, "(ID 53): 000 is no currency"},
		"no account":                {func(m *Merchant) { m.Accounts = nil }, "no merchant account"},
		"an account that is none":   {func(m *Merchant) { m.Accounts = []Template{{ID: 52, GUID: "x"}} }, "(ID 52)"},
		"an account without name":   {func(m *Merchant) { m.Accounts[2].GUID = "" }, "(ID 26): no globally unique identifier"},
		"a value in a template":     {func(m *Merchant) { m.Accounts[2].Value = "v" }, "would not be read as it was written"},
		"the order of accounts":     {func(m *Merchant) { m.Accounts[0], m.Accounts[1] = m.Accounts[1], m.Accounts[0] }, "would not be read as it was written"},
		"an account twice":          {func(m *Merchant) { m.Accounts[1].ID = 2 }, "(ID 02): stands a second time"},
		"a category of letters":     {func(m *Merchant) { m.Category = "58IV" }, "(ID 52): merchant category code has a character"},
		"a short category":          {func(m *Merchant) { m.Category = "58" }, "of 2 characters, want 4"},
		"a currency that is none":   {func(m *Merchant) { m.Currency.Numeric = 1 }, "(ID 53): 001 is no currency"},
		"a currency with an error":  {func(m *Merchant) { m.Amount, m.Currency.Exponent = nil, 2 }, "would not be read as it was written"},
		"amount zero":               {func(m *Merchant) { m.Amount = &zero }, "(ID 54): the amount is zero"},
		"amount too large":          {func(m *Merchant) { m.Amount = &huge }, "(ID 54)"},
		"amount below zero":         {func(m *Merchant) { m.Amount = &negative }, "(ID 54): no amount in JPY"},
		"a fee without its kind":    {func(m *Merchant) { m.Tip = Tip{Fixed: 5} }, "would not be read as it was written"},
		"a fee of the other kind":   {func(m *Merchant) { m.Tip = Tip{Kind: TipPercent, Percent: 1, Fixed: 5} }, "would not be read as it was written"},
		"a percentage of nothing":   {func(m *Merchant) { m.Tip = Tip{Kind: TipPercent} }, "(ID 57): no percentage"},
		"a percentage of a hundred": {func(m *Merchant) { m.Tip = Tip{Kind: TipPercent, Percent: 10000} }, "(ID 57): no percentage"},
		"a tip of no kind":          {func(m *Merchant) { m.Tip.Kind = 4 }, "(ID 55): tip or convenience indicator 04"},
		"an initiation of no kind":  {func(m *Merchant) { m.Initiation = 13 }, "(ID 01): point of initiation method 13"},
		"a country of no kind":      {func(m *Merchant) { m.Country = "XX" }, `(ID 58): "XX" is no country`},
		"no name":                   {func(m *Merchant) { m.Name = "" }, "(ID 59): merchant name is missing"},
		"a long name":               {func(m *Merchant) { m.Name = strings.Repeat("n", 26) }, "(ID 59): merchant name of 26 characters, want 1 to 25"},
		"a very long name":          {func(m *Merchant) { m.Name = strings.Repeat("n", 100) }, "(ID 59): 100 characters"},
		"a name in umlauts":         {func(m *Merchant) { m.Name = "Café" }, "names in other alphabets stand in ID 64"},
		"a name with a line break":  {func(m *Merchant) { m.Name = "a\nb" }, "control character 0A"},
		"a name that is not UTF-8":  {func(m *Merchant) { m.Name = "caf\xE9" }, "not UTF-8"},
		"a long city":               {func(m *Merchant) { m.City = strings.Repeat("c", 16) }, "(ID 60)"},
		"letters that ask nothing":  {func(m *Merchant) { m.Additional.Ask = "AX" }, "(ID 62-09)"},
		"letters that ask twice":    {func(m *Merchant) { m.Additional.Ask = "AA" }, "(ID 62-09)"},
		"a template too full": {func(m *Merchant) {
			m.Additional.Bill = strings.Repeat("b", 25)
			m.Additional.TaxID = strings.Repeat("t", 20)
		}, "under ID 62; a value has at most 99 characters"},
		"a channel of one":             {func(m *Merchant) { m.Additional.Channel = "1" }, "(ID 62-11)"},
		"an object beyond 99":          {func(m *Merchant) { m.Reserved = []Object{{100, "x"}} }, "an ID is 0 to 99"},
		"an object in the wrong place": {func(m *Merchant) { m.Reserved = []Object{{52, "1234"}} }, "(ID 52): stands a second time"},
		"a language without a name":    {func(m *Merchant) { m.Language.Name = "" }, "(ID 64): the merchant's name is missing"},
		"a language of digits":         {func(m *Merchant) { m.Language.Code = "11" }, "(ID 64): the language is missing"},
		"an empty list":                {func(m *Merchant) { m.Reserved = []Object{} }, "would not be read as it was written"},
		"too much": {func(m *Merchant) {
			for id := ID(27); id < 34; id++ {
				m.Accounts = append(m.Accounts, Template{ID: id, GUID: "g", Objects: []Object{{1, Value(strings.Repeat("a", 90))}}})
			}
		}, "more than 512 characters"},
	} {
		m := shop()
		m.Amount = &amount
		c.change(&m)
		_, err := m.Text()
		require.ErrorContains(t, err, c.want, name)
		var e *Error
		require.ErrorAs(t, err, &e, name)
	}
}

// sealed gives a text its CRC.
func sealed(text string) string { return text + fmt.Sprintf("6304%04X", checksum(text+"6304")) }

const frame = "000201" + "0204ABCD" + "52045814" + "5303978" + "5802DE" + "5904SHOP" + "6006BERLIN"

func TestMerchantParseRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "byte 0 (ID 00): the payload format indicator is not there"},
		{sealed("0102115204581453039785802DE"), "byte 0 (ID 00)"},
		{frame, "byte 53 (ID 63): the CRC is missing"},
		{frame + "6304", "byte 53 (ID 63): says 4 characters, 0 left"},
		{frame + "63040000", "(ID 63): the CRC does not fit: the text gives "},
		{strings.ToLower(sealed(frame)[len(frame):]), "byte 0 (ID 00)"},
		{sealed(frame) + "6101X", "objects follow the CRC"},
		{sealed(frame + "6100"), "byte 53 (ID 61): length 00"},
		{sealed(frame + "5904SHOP"), "byte 53 (ID 59): stands a second time"},
		{frame + "6x04ABCD", "byte 53: no ID and length"},
		{frame + "63", "byte 53: no ID and length"},
		{sealed(frame + "540210" + "5403"), "(ID 54): stands a second time"},
		{sealed(frame + "54041,00"), "(ID 54): no amount in EUR; digits and a dot, such as 12.50"},
		{sealed(frame + "540610.000"), "(ID 54): no amount in EUR"},
		{sealed(frame + "54041.0."), "(ID 54): no amount in EUR"},
		{sealed(frame + "5401."), "(ID 54): no amount in EUR"},
		{sealed(frame + "5403.50"), "(ID 54): no amount in EUR"},
		{sealed(frame + "5402-1"), "(ID 54): no amount in EUR"},
		{sealed(frame + "54040.00"), "(ID 54): the amount is zero"},
		{sealed(frame + "541499999999999.99"), "(ID 54): transaction amount of 14 characters, want 1 to 13"},
		{sealed(frame + "550202"), "(ID 56): convenience fee, fixed is missing"},
		{sealed(frame + "550203"), "(ID 57): convenience fee, percentage is missing"},
		{sealed(frame + "55020156011"), "(ID 56): a fee that the tip or convenience indicator does not name; ID 55 must be 02"},
		{sealed(frame + "57013"), "(ID 57): a fee that the tip or convenience indicator does not name; ID 55 must be 03"},
		{sealed(frame + "550204"), "(ID 55): tip or convenience indicator 04"},
		{sealed(frame + "5502035703100"), "(ID 57): no percentage"},
		{sealed(frame + "550203570500.00"), "(ID 57): no percentage"},
		{sealed(frame + "55020357053.001"), "(ID 57): no percentage"},
		{sealed(frame + "010213"), "(ID 01): point of initiation method 13"},
		{sealed(frame + "6206000411"), "byte 57 (ID 62-00): says 4 characters, 2 left"},
		{sealed(frame + "62040100"), "(ID 62-01): length 00"},
		{sealed(frame + "62050001x"), "(ID 62-00): "},
		{sealed(frame + "6203abc"), "byte 57 (in ID 62): no ID and length"},
		{sealed(frame + "62991"), "(ID 62): says 99 characters, 9 left"},
		{sealed(frame + "26060102xy"), "(ID 26): no globally unique identifier inside"},
		{sealed(frame + "64050101x"), "(ID 64): the language is missing"},
		{strings.Replace(sealed(frame), "SHOP", "SHÖP", 1), "(ID 63): the CRC does not fit"},
		{sealed(frame + "64160002ZH0106最佳"), "byte 77: no ID and length, which are four digits; an object before it may be longer or shorter than it says: lengths count characters, not bytes"},
		{sealed(frame + "6499" + "0002ZH0102最佳"), "(ID 64): says 99 characters, 20 left; lengths count characters, not bytes"},
	} {
		_, err := ParseMerchant(c.text)
		require.ErrorContains(t, err, c.want, c.text)
	}
}

func TestAmountsAsShopsWriteThem(t *testing.T) {
	for text, want := range map[string]int64{"98.73": 9873, "98": 9800, "98.": 9800, "98.5": 9850, "0098.50": 9850, "0.01": 1, "9999999999.99": emv.MaxAmount} {
		m, err := ParseMerchant(sealed(frame + fmt.Sprintf("54%02d%s", len(text), text)))
		require.NoError(t, err, text)
		require.Equal(t, want, *m.Amount)
	}
	for text, want := range map[string]int64{"3": 300, "3.5": 350, "3.": 300, "00.01": 1, "99.99": 9999, "03.05": 305} {
		m, err := ParseMerchant(sealed(frame + fmt.Sprintf("55020357%02d%s", len(text), text)))
		require.NoError(t, err, text)
		require.Equal(t, want, m.Tip.Percent)
	}
}

// A currency without decimals, and one with three.
func TestAmountsFollowTheCurrency(t *testing.T) {
	for code, amounts := range map[string]map[string]int64{
		"392": {"1500": 1500, "1500.": 1500, "1500.0": -1},
		"048": {"1.500": 1500, "1.5": 1500, "1.5000": -1},
	} {
		for text, want := range amounts {
			m, err := ParseMerchant(sealed(strings.Replace(frame, "5303978", "5303"+code, 1) + fmt.Sprintf("54%02d%s", len(text), text)))
			if want < 0 {
				require.ErrorContains(t, err, "(ID 54)")
				continue
			}
			require.NoError(t, err, text)
			require.Equal(t, want, *m.Amount)
		}
	}
}

// Every change of one character, every loss of one and every cut is noticed.
func TestTamperedMerchantCodes(t *testing.T) {
	for _, s := range merchantSamples {
		characters := []rune(s.text)
		for i, r := range characters {
			for _, other := range []rune{'0', '9', 'A', ' ', '最'} {
				if other == r {
					continue
				}
				changed := append(append(append([]rune{}, characters[:i]...), other), characters[i+1:]...)
				_, err := ParseMerchant(string(changed))
				require.Error(t, err, "%s: character %d", s.source, i)
			}
			lost := append(append([]rune{}, characters[:i]...), characters[i+1:]...)
			_, err := ParseMerchant(string(lost))
			require.Error(t, err, "%s: character %d lost", s.source, i)
			_, err = ParseMerchant(string(characters[:i]))
			require.Error(t, err, "%s: cut at %d", s.source, i)
		}
	}
}

func TestWithAmountAndDue(t *testing.T) {
	m, err := ParseMerchant(sealed(frame))
	require.NoError(t, err)
	_, err = m.Due(0)
	require.ErrorContains(t, err, "the payer types it")
	for _, bad := range []int64{0, -1, emv.MaxAmount + 1} {
		_, err = m.WithAmount(bad)
		require.Error(t, err)
	}
	paid, err := m.WithAmount(1999)
	require.NoError(t, err)
	require.Nil(t, m.Amount, "the code itself stays")
	_, err = paid.WithAmount(5)
	require.ErrorContains(t, err, "19.99 EUR: it cannot be changed")
	for _, c := range []struct {
		tip       Tip
		given     int64
		want      Due
		wantError string
	}{
		{Tip{}, 0, Due{1999, 0, 1999}, ""},
		{Tip{}, 1, Due{}, "does not ask"},
		{Tip{Kind: TipAsk}, 0, Due{1999, 0, 1999}, ""},
		{Tip{Kind: TipAsk}, 200, Due{1999, 200, 2199}, ""},
		{Tip{Kind: TipAsk}, -200, Due{}, "no less than zero"},
		{Tip{Kind: TipAsk}, emv.MaxAmount, Due{}, "12 digits"},
		{Tip{Kind: TipFixed, Fixed: 50}, 0, Due{1999, 50, 2049}, ""},
		{Tip{Kind: TipFixed, Fixed: 50}, 50, Due{}, "does not ask"},
		{Tip{Kind: TipPercent, Percent: 350}, 0, Due{1999, 70, 2069}, ""}, // 69.965
		{Tip{Kind: TipPercent, Percent: 250}, 0, Due{1999, 50, 2049}, ""}, // 49.975
		{Tip{Kind: TipPercent, Percent: 1}, 0, Due{1999, 0, 1999}, ""},
	} {
		paid.Tip = c.tip
		due, err := paid.Due(c.given)
		if c.wantError != "" {
			require.ErrorContains(t, err, c.wantError)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, due)
	}
}

// Account numbers are nowhere but where the caller asks for the string.
func TestMerchantMasking(t *testing.T) {
	m := shop()
	other := string(emv.WithCheckDigit("499999000000000"))
	m.Additional = Additional{Loyalty: other, Mobile: "+49301234567"}
	text, err := m.Text()
	require.NoError(t, err)
	items, err := Explain(text, false)
	require.NoError(t, err)
	asJSON, err := json.Marshal(m)
	require.NoError(t, err)
	accounts, err := json.Marshal(m.Accounts)
	require.NoError(t, err)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %q", m, m, m, m, m.Accounts), fmt.Sprintf("%+v", items), string(asJSON), string(accounts), fmt.Sprintf("%#v", m.Accounts[0].Value)} {
		require.NotContains(t, shown, "4761739001010119")
		require.NotContains(t, shown, other)
		require.NotContains(t, shown, "301234567")
	}
	require.Equal(t, "QR code of TAPSIM TEST SHOP, TOKYO", fmt.Sprint(m))
	items, err = Explain(text, true)
	require.NoError(t, err)
	all := fmt.Sprintf("%+v", items)
	require.Contains(t, all, "4761739001010119", "a test card is revealed")
	require.NotContains(t, all, other, "another's is not")
	require.Contains(t, all, "+49301234567")
	require.Contains(t, all, "acquirer 03100000, forwarding institution 00033100, merchant TAPSIM-MERCH-01")
}

// TestKindOfWrongOrder: a merchant's code whose first object is another is one
// still, and refused, not a text of somebody else's.
func TestKindOfWrongOrder(t *testing.T) {
	for _, text := range []string{"01021100020163041AB2", "5802DE6304abcd", "000201"} {
		require.Equal(t, KindMerchant, KindOf(text), text)
		_, err := Explain(text, false)
		require.Error(t, err, text)
	}
	for _, text := range []string{"6304ABCD", "x1026304ABCD", "01026304ABCG", "0102110002016304ABCD0"} {
		require.Zero(t, KindOf(text), text)
	}
}

func TestNumericAndOtherTexts(t *testing.T) {
	const code = "6236098835899996543" // UnionPay International's developer documentation
	require.Equal(t, KindNumeric, KindOf(code))
	for _, other := range []string{code[1:], "63" + code[2:], code + "0", "623609883589999654x", "https://example.com", ""} {
		require.NotEqual(t, KindNumeric, KindOf(other))
	}
	items, err := Explain(code, true)
	require.NoError(t, err)
	require.Equal(t, "623609*********6543", items[0].Value)
	items, err = Explain("pay\x1b[2J 4999990000000003 now", false)
	require.NoError(t, err)
	require.Equal(t, "pay\uFFFD[2J 499999******0003 now", items[0].Value)
	require.True(t, items[0].Masked)
}

func FuzzMerchant(f *testing.F) {
	for _, s := range merchantSamples {
		f.Add(s.text, true)
	}
	for _, s := range merchantRefused {
		f.Add(s.text, false)
	}
	f.Fuzz(func(t *testing.T, text string, seal bool) {
		if seal && len(text) > 8 {
			text = sealed(text[:len(text)-8])
		}
		items, explained := Explain(text, false)
		m, err := ParseMerchant(text)
		if err != nil {
			return
		}
		require.NoError(t, explained)
		require.NotEmpty(t, items)
		again, err := m.Text()
		if err != nil { // with all decimals a code can be longer than it was
			require.ErrorContains(t, err, "more than 512 characters")
			return
		}
		back, err := ParseMerchant(again)
		require.NoError(t, err)
		require.Equal(t, m, back)
	})
}

func BenchmarkParseMerchant(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseMerchant(merchantSamples[0].text); err != nil {
			b.Fatal(err)
		}
	}
}

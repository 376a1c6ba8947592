package emv

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCurrencies(t *testing.T) {
	require.Len(t, currencies, 167)
	numeric := map[uint16]string{}
	for i, c := range currencies {
		require.Len(t, c.Alpha, 3)
		require.NotEmpty(t, c.Name)
		require.Empty(t, numeric[c.Numeric], "%s and %s share %d", c.Alpha, numeric[c.Numeric], c.Numeric)
		numeric[c.Numeric] = c.Alpha
		if i > 0 {
			require.Less(t, currencies[i-1].Alpha, c.Alpha, "the table is in the order of the letters")
		}
		byAlpha, found := CurrencyByAlpha(c.Alpha)
		require.True(t, found)
		require.Equal(t, c, byAlpha)
		byNumeric, found := CurrencyByNumeric(c.Numeric)
		require.True(t, found)
		require.Equal(t, c, byNumeric)
	}
	exponents := map[int][]string{}
	for _, c := range currencies {
		if c.Exponent != 2 {
			exponents[c.Exponent] = append(exponents[c.Exponent], c.Alpha)
		}
	}
	require.Equal(t, map[int][]string{
		0: strings.Fields("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF XXX"),
		3: strings.Fields("BHD IQD JOD KWD LYD OMR TND"),
		4: strings.Fields("CLF UYW"),
	}, exponents)
	for alpha, code := range map[string]uint16{"EUR": 978, "USD": 840, "GBP": 826, "CNY": 156, "JPY": 392, "CHF": 756, "SLE": 925, "XCG": 532, "ZWG": 924, "AFN": 971, "ALL": 8} {
		c, found := CurrencyByAlpha(alpha)
		require.True(t, found, alpha)
		require.Equal(t, code, c.Numeric, alpha)
	}
	for _, alpha := range []string{"", "EU", "eur", "AAA", "ZZZ"} {
		_, found := CurrencyByAlpha(alpha)
		require.False(t, found, alpha)
	}
	_, found := CurrencyByNumeric(0)
	require.False(t, found)
}

func TestCountries(t *testing.T) {
	require.Len(t, countries, 249)
	numeric := map[uint16]bool{}
	for i, c := range countries {
		require.Len(t, c.Alpha, 2)
		require.NotEmpty(t, c.Name)
		require.False(t, numeric[c.Numeric], c.Alpha)
		numeric[c.Numeric] = true
		require.True(t, i == 0 || countries[i-1].Alpha < c.Alpha, c.Alpha)
		byNumeric, found := CountryByNumeric(c.Numeric)
		require.True(t, found)
		require.Equal(t, c, byNumeric)
		byAlpha, found := CountryByAlpha(c.Alpha)
		require.True(t, found)
		require.Equal(t, c, byAlpha)
	}
	for code, alpha := range map[uint16]string{276: "DE", 840: "US", 826: "GB", 156: "CN", 392: "JP", 250: "FR", 36: "AU", 56: "BE", 4: "AF", 894: "ZM"} {
		c, found := CountryByNumeric(code)
		require.True(t, found)
		require.Equal(t, alpha, c.Alpha)
	}
	_, found := CountryByNumeric(0)
	require.False(t, found)
	_, found = CountryByAlpha("de")
	require.False(t, found)
}

func TestAmounts(t *testing.T) {
	eur, _ := CurrencyByAlpha("EUR")
	jpy, _ := CurrencyByAlpha("JPY")
	bhd, _ := CurrencyByAlpha("BHD")
	clf, _ := CurrencyByAlpha("CLF")
	for _, c := range []struct {
		currency Currency
		text     string
		minor    int64
		format   string
	}{
		{eur, "12.50", 1250, "12.50"}, {eur, "12.5", 1250, "12.50"}, {eur, "12", 1200, "12.00"}, {eur, "0.01", 1, "0.01"}, {eur, "0", 0, "0.00"},
		{jpy, "1500", 1500, "1500"}, {bhd, "1.234", 1234, "1.234"}, {clf, "0.0001", 1, "0.0001"}, {eur, "9999999999.99", MaxAmount, "9999999999.99"},
		{eur, "007.00", 700, "7.00"},
	} {
		got, err := c.currency.Parse(c.text)
		require.NoError(t, err, c.text)
		require.Equal(t, c.minor, got)
		require.Equal(t, c.format, c.currency.Format(got))
	}
	for _, bad := range []string{"", ".", "1.", ".5", "-1", "+1", "1,5", " 1", "1.234", "1e3", "10000000000.00", "99999999999999999999", "１"} {
		_, err := eur.Parse(bad)
		require.Error(t, err, bad)
	}
	_, err := jpy.Parse("1.5")
	require.Error(t, err)
	require.Equal(t, "-0.05", eur.Format(-5))
}

func TestBCD(t *testing.T) {
	require.Equal(t, "000000001250", upperHex(AppendBCD(nil, 1250, 6)))
	require.Panics(t, func() { AppendBCD(nil, 100, 1) })
	n, err := BCD(unhex(t, "000000001250"))
	require.NoError(t, err)
	require.EqualValues(t, 1250, n)
	_, err = BCD(unhex(t, "0A"))
	require.Error(t, err)
	_, err = BCD(make([]byte, 10))
	require.Error(t, err)

	b, err := AppendDigits(nil, "476173900101011", 10)
	require.NoError(t, err)
	require.Equal(t, "476173900101011FFFFF", upperHex(b))
	s, err := Digits(b)
	require.NoError(t, err)
	require.Equal(t, "476173900101011", s)
	for _, bad := range []string{"47F1", "4A", "4D"} {
		_, err := Digits(unhex(t, bad))
		require.Error(t, err, bad)
	}
	_, err = AppendDigits(nil, "123", 1)
	require.Error(t, err)
	_, err = AppendDigits(nil, "12x4", 0)
	require.Error(t, err)
}

func BenchmarkCurrencyByNumeric(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		CurrencyByNumeric(978)
	}
}

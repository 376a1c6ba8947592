package qr

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func TestConsumerSamples(t *testing.T) {
	for _, s := range consumerSamples {
		require.Equal(t, KindConsumer, KindOf(s.text))
		c, err := ParseConsumer(s.text)
		require.NoError(t, err, s.source)
		again, err := c.Text()
		require.NoError(t, err, s.source)
		require.Equal(t, s.text, again, s.source)
		if s.hex != "" {
			b, err := c.Bytes()
			require.NoError(t, err)
			require.Equal(t, s.hex, fmt.Sprintf("%X", b), s.source)
		}
	}
	for _, s := range consumerRefused {
		_, err := ParseConsumer(s.text)
		require.ErrorContains(t, err, s.want, s.source)
		items, err := Explain(s.text, false)
		require.ErrorContains(t, err, s.want, s.source)
		require.NotEmpty(t, items, s.source)
	}
}

func TestConsumerFields(t *testing.T) {
	c, err := ParseConsumer(consumerSamples[1].text)
	require.NoError(t, err)
	require.Len(t, c.Applications, 2)
	require.Equal(t, unhex(t, "A0000000666666"), c.Applications[1].AID())
	require.Equal(t, []string{"5A", "5F20", "5F2D"}, tags(c.Common))
	require.Equal(t, []string{"9F10", "9F26", "9F36", "9F37"}, tags(c.Transparent))
	require.Equal(t, []string{"4F", "50", "5A", "5F20", "5F2D", "9F10", "9F26", "9F36", "9F37"}, tags(c.Data(1)))
	label, _ := c.Data(1).Lookup(emv.TagApplicationLabel)
	require.Equal(t, "Product2", string(label))

	c, err = ParseConsumer(consumerSamples[2].text)
	require.NoError(t, err)
	require.Equal(t, []string{"4F", "57", "5F34"}, tags(c.Applications[0].Data))
	require.Equal(t, []string{"9F26", "9F27", "9F10", "9F36", "82", "9F37"}, tags(c.Applications[0].Transparent))
}

func tags(l emv.List) (names []string) {
	for _, o := range l {
		names = append(names, o.Tag.String())
	}
	return names
}

// The application's own data come before the common ones.
func TestConsumerDataPrefersTheApplication(t *testing.T) {
	c := Consumer{
		Applications: []Application{{Data: emv.List{{Tag: emv.TagADFName, Value: unhex(t, "A000000003")}, {Tag: emv.TagPANSequence, Value: []byte{1}}}}},
		Common:       emv.List{{Tag: emv.TagPANSequence, Value: []byte{0}}},
	}
	v, ok := c.Data(0).Lookup(emv.TagPANSequence)
	require.True(t, ok)
	require.Equal(t, []byte{1}, v)
}

func TestConsumerRefuses(t *testing.T) {
	const head, app = "8505 4350563031", "6107 4F05 A000000003"
	for _, c := range []struct{ data, want string }{
		{"", "byte 0 (tag 85): the payload format indicator is not there"},
		{app, "byte 0 (tag 85)"},
		{"8505 4350563032" + app, "byte 0 (tag 85)"},
		{app + head, "byte 0 (tag 85)"},
		{head, "byte 7 (tag 61): no application template"},
		{head + head + app, "byte 7 (tag 85): stands a second time"},
		{head + "6103 500141", "byte 7 (tag 61): an application template without an AID"},
		{head + "6100", "byte 7 (tag 61): an application template without an AID"},
		{head + "6106 4F04 A0000000", "byte 9 (tag 61-4F): length 4, want 5 to 16"},
		{head + "610E 4F05 A000000003 4F05 A000000003", "byte 16 (tag 61-4F): stands a second time"},
		{head + "6109 4F05 A000000003 6300", "byte 16 (tag 61-63): an empty template"},
		{head + "610C 4F05 A000000003 6303 9F2601", "byte 20 (in tag 61-63): tag 9F26 says 1 byte, 0 left"},
		{head + "610D 4F05 A000000003 6304 9F260100", "byte 18 (tag 61-63-9F26): length 1, want 8"},
		{head + "610B 4F05 A000000003 6302 9F36", "byte 20 (in tag 61-63): data end before a length"},
		{head + app + "00", "byte 16: padding"},
		{head + "00" + app, "byte 7: padding"},
		{head + "6108 4F05 A000000003 00", "byte 16 (in tag 61): padding"},
		{head + "6193 4F05 A000000003", "byte 8: length byte 93"},
		{head + app + "6203 570111", "(tag 62-57): no track 2"},
		{head + app + "6206 5A04 1234567F", "(tag 62-5A): no account number"},
		{head + app + "6206 5A04 12AB567F", "(tag 62-5A): no account number"},
		{head + app + "6206 6404 9F360100", "(tag 62-64-9F36): length 1, want 2"},
		{head + app + "6203 5F3401", "byte 20 (in tag 62): tag 5F34 says 1 byte, 0 left"},
		{head + app + "6204 5F340101" + "6204 5F340101", "(tag 62): stands a second time"},
		{head + app + "3003 303030", "byte 19: tag 30 says 48 bytes, 1 left"},
		{head + "610C 4F05 A000000003 BF0C029F01", "byte 21: data end before a length"},
		{head + "6107 4F05 A0000000", "tag 61 says 7 bytes, 6 left"},
	} {
		_, err := ParseConsumerData(unhex(t, c.data))
		require.ErrorContains(t, err, c.want, c.data)
		var e *Error
		require.ErrorAs(t, err, &e)
		_, err = ExplainData(unhex(t, c.data), false)
		require.Error(t, err)
	}
	long := Consumer{Applications: []Application{{Data: emv.List{{Tag: emv.TagADFName, Value: unhex(t, "A000000003")}, {Tag: 0xC1, Value: make([]byte, 500)}}}}}
	_, err := long.Text()
	require.ErrorContains(t, err, "more than 512 bytes")
}

func TestConsumerBase64(t *testing.T) {
	text := consumerSamples[0].text
	for _, c := range []struct{ text, want string }{
		{strings.TrimSuffix(text, "="), "no base64"},
		{text + "=", "no base64"},
		{text[:20] + "-" + text[21:], "byte 20: no base64"},
		{text[:20] + "\n" + text[20:], "byte 20: a line break"},
		{text[:len(text)-2] + "9=", "no base64"}, // bits that nobody reads
		{consumerStart + strings.Repeat("A", 700), "more than 512 bytes"},
	} {
		_, err := ParseConsumer(c.text)
		require.ErrorContains(t, err, c.want, c.text)
	}
}

func TestConsumerTextRefuses(t *testing.T) {
	own := func() Consumer {
		return Consumer{Applications: []Application{{Data: emv.List{{Tag: emv.TagADFName, Value: unhex(t, "A000000003")}}}}}
	}
	for name, c := range map[string]struct {
		change func(*Consumer)
		want   string
	}{
		"nothing":             {func(c *Consumer) { *c = Consumer{} }, "no application template"},
		"no AID":              {func(c *Consumer) { c.Applications[0].Data = nil }, "without an AID"},
		"a template by hand":  {func(c *Consumer) { c.Applications[0].Data.Set(TagTransparent, unhex(t, "9F36020001")) }, "would not be read as it was written"},
		"an empty list":       {func(c *Consumer) { c.Common = emv.List{} }, "would not be read as it was written"},
		"an application else": {func(c *Consumer) { c.Other.Set(TagApplicationTemplate, unhex(t, "4F05A000000004")) }, "would not be read as it was written"},
		"a short cryptogram":  {func(c *Consumer) { c.Applications[0].Transparent.Set(emv.TagCryptogram, []byte{1}) }, "(tag 61-63-9F26): length 1, want 8"},
	} {
		consumer := own()
		c.change(&consumer)
		_, err := consumer.Text()
		require.ErrorContains(t, err, c.want, name)
	}
	consumer := own()
	consumer.Other = emv.List{{Tag: 0xC1, Value: []byte("x")}}
	text, err := consumer.Text()
	require.NoError(t, err)
	back, err := ParseConsumer(text)
	require.NoError(t, err)
	require.Equal(t, consumer, back)
}

// A cut is noticed unless whole templates are gone.
func TestCutConsumerCodes(t *testing.T) {
	for _, s := range consumerSamples {
		b, err := base64.StdEncoding.DecodeString(s.text)
		require.NoError(t, err)
		for i := range b {
			_, err := ParseConsumerData(b[:i])
			if err == nil {
				require.Equal(t, consumerSamples[1].text, s.text, "only whole templates may be missing")
				require.Contains(t, []int{28, 49}, i)
			}
		}
	}
}

func TestConsumerMasking(t *testing.T) {
	c, err := ParseConsumer(consumerSamples[1].text)
	require.NoError(t, err)
	c.Common.Set(TagIssuerURL, []byte("somebody@example.com"))
	text, err := c.Text()
	require.NoError(t, err)
	asJSON, err := json.Marshal(c)
	require.NoError(t, err)
	items, err := Explain(text, false)
	require.NoError(t, err)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s", c, c, c, c), string(asJSON), fmt.Sprintf("%+v", items), fmt.Sprintf("%v", c.Applications)} {
		require.NotContains(t, shown, "1234567890123458")
		require.NotContains(t, shown, hex.EncodeToString([]byte("CARDHOLDER")))
		require.NotContains(t, strings.ToUpper(shown), strings.ToUpper(hex.EncodeToString([]byte("CARDHOLDER"))))
		require.NotContains(t, shown, "CARDHOLDER")
		require.NotContains(t, shown, "somebody")
	}
	require.Contains(t, fmt.Sprintf("%+v", items), "Common data transparent template")
	items, err = Explain(text, true)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprintf("%+v", items), "somebody@example.com")
}

func FuzzConsumer(f *testing.F) {
	for _, s := range consumerSamples {
		b, err := base64.StdEncoding.DecodeString(s.text)
		require.NoError(f, err)
		f.Add(b)
	}
	for _, s := range consumerRefused {
		b, err := base64.StdEncoding.DecodeString(s.text)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text := base64.StdEncoding.EncodeToString(b)
		_, explained := Explain(text, false)
		c, err := ParseConsumer(text)
		if err != nil {
			return
		}
		require.NoError(t, explained)
		again, err := c.Bytes()
		require.NoError(t, err)
		require.LessOrEqual(t, len(again), len(b), "lengths in their shortest form")
		back, err := ParseConsumerData(again)
		require.NoError(t, err)
		require.Equal(t, c, back)
	})
}

func BenchmarkParseConsumer(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseConsumer(consumerSamples[1].text); err != nil {
			b.Fatal(err)
		}
	}
}

// Every byte of a damaged code is in an item.
func TestDamagedCodesAreExplainedToTheEnd(t *testing.T) {
	for _, s := range consumerSamples {
		b, err := base64.StdEncoding.DecodeString(s.text)
		require.NoError(t, err)
		for i := 1; i < len(b); i++ {
			items, err := ExplainData(b[:i], false)
			last := items[len(items)-1]
			if last.Name == restName {
				require.Error(t, err)
				require.Equal(t, i, last.Offset+last.Length)
			}
			require.NotContains(t, fmt.Sprintf("%+v", items), "1234567890123458")
		}
	}
	text := merchantSamples[0].text
	items, err := Explain(text[:100], false)
	require.Error(t, err)
	last := items[len(items)-1]
	require.Equal(t, emv.Item{Name: restName, Offset: 92, Length: 8, Value: "5914BEST", Known: true}, last)
}

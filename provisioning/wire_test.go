package provisioning

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

func TestDeliveryAsJSON(t *testing.T) {
	d := Delivery{
		Agreement: []byte{1}, Token: []byte{2}, Kind: SingleUseKeys, LastATC: 7,
		Keys: []LimitedUseKey{{
			Index: [4]byte{1, 2, 3, 4}, ATC: 5, Wrapped: []byte{6, 7}, CheckValue: [3]byte{8, 9, 10}, Agreement: []byte{11}, Uses: 12, Amount: 13,
			NotAfter: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC),
		}},
		Credentials: &Credentials{Data: emv.List{{Tag: 0x8F, Value: []byte{0xE1}}, {Tag: 0x9F47, Value: []byte{3}}}, Wrapped: []byte{14}},
	}
	text, err := json.Marshal(d)
	require.NoError(t, err)
	require.Contains(t, string(text), `"index":"01020304"`)
	var back Delivery
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, d, back)
	for _, c := range []struct{ old, spoilt string }{
		{`"01020304"`, `"010203"`}, {`"08090a"`, `"08090x"`}, {`"data":"jwHhn0cBAw=="`, `"data":"jw=="`}, {`"atc":5`, `"atc":70000`}, {`"wrapped":"Dg=="`, `"wrapped":7`},
	} {
		require.Contains(t, string(text), c.old)
		require.Error(t, json.Unmarshal([]byte(strings.Replace(string(text), c.old, c.spoilt, 1)), &back), c.spoilt)
	}
}

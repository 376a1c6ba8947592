package httpapi

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A wallet of somebody who has the document alone signs by its words: the text
// below is written by hand, with none of our types.
func TestSignedByTheDocument(t *testing.T) {
	server := testServer(t, ServerConfig{Bank: Local{Issuer: testBank(t)}, Log: discard})
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("w", ed25519.SeedSize)))
	device := base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
	number := 0
	phone := func(path, name, rest string) (status int, answer map[string]any) {
		number++
		text := func(signature string) string {
			return fmt.Sprintf(`{"device":"%s","number":%d,"signature":%s,%s}`, device, number, signature, rest)
		}
		signature := ed25519.Sign(private, []byte("tapsim "+name+"\n"+text("null")))
		status, _, w := ask(server, http.MethodPost, path, text(`"`+base64.StdEncoding.EncodeToString(signature)+`"`))
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body)
		return status, answer
	}
	status, granted := phone("/v1/phone/request-token", "request token",
		`"device_name":"Tom \u0026 Ann","form_factor":"phone","requestor":"40010030001","card":{"number":"4761739001010119","expiry":"4912"}`)
	require.Equal(t, http.StatusOK, status, granted)
	require.Equal(t, "inactive", granted["status"])

	_, _, w := ask(server, http.MethodGet, "/v1/bank/inbox?account=DEMO-0001&kind=code", "")
	var inbox []struct{ Code string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &inbox), w.Body)
	require.Len(t, inbox, 1)
	require.Regexp(t, "^[0-9]{6}$", inbox[0].Code)

	status, answer := phone("/v1/phone/enter-code", "enter code", fmt.Sprintf(`"token":"%s","code":"%s"`, granted["token"], inbox[0].Code))
	require.Equal(t, http.StatusOK, status, answer)
	require.Equal(t, "active", answer["status"])
	status, answer = phone("/v1/phone/call", "token call", fmt.Sprintf(`"token":"%s","verb":"suspend"`, granted["token"]))
	require.Equal(t, http.StatusOK, status, answer)
	require.Equal(t, []any{"user"}, answer["held_by"])
	status, answer = phone("/v1/phone/poll", "poll", fmt.Sprintf(`"tokens":[{"token":"%s","after":0}]`, granted["token"]))
	require.Equal(t, http.StatusOK, status, answer)
	status, answer = phone("/v1/phone/poll", "token call", fmt.Sprintf(`"tokens":[{"token":"%s","after":0}]`, granted["token"]))
	require.NotEqual(t, http.StatusOK, status, "signed as something else: %v", answer)
}

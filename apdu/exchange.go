package apdu

import (
	"context"
	"errors"
)

// MaxResponse bounds what Exchange collects over GET RESPONSE.
const MaxResponse = MaxExtendedNe

// maxFollowUps bounds the number of GET RESPONSE of one exchange, so that a card
// that answers 61xx for ever cannot hold a terminal.
const maxFollowUps = 300

// insGetResponse is GET RESPONSE (ISO/IEC 7816-4, 7.6.1).
const insGetResponse = 0xC0

// Exchange sends c and returns the whole response: it fetches what 61xx
// announces with GET RESPONSE, and repeats the command once with the Le that
// 6Cxx names (ISO/IEC 7816-4, 5.3.4). PC/SC drivers leave both to us. An
// answer without a status word is ErrLost: a reader reports a torn card that
// way. A card that announces more without end has answered with 61xx and
// nothing else, which no command asks for: the caller treats it as a refusal.
func Exchange(ctx context.Context, t Transceiver, c Command) (Response, error) {
	raw, err := c.Bytes()
	if err != nil {
		return Response{}, err
	}
	return ExchangeBytes(ctx, t, raw)
}

// ExchangeBytes is Exchange for a command that is coded already.
func ExchangeBytes(ctx context.Context, t Transceiver, command []byte) (Response, error) {
	r, err := transceive(ctx, t, command)
	if err != nil || r.Status.OK() {
		return r, err
	}
	if r.Status.SW1() == 0x6C && len(command) >= 4 {
		if r, err = transceive(ctx, t, withLe(command, r.Status.SW2())); err != nil {
			return r, err
		}
	}
	if r.Status.SW1() != 0x61 {
		return r, nil
	}
	return collect(ctx, t, command[0], r)
}

// collect follows 61xx until another status word comes.
func collect(ctx context.Context, t Transceiver, cla byte, r Response) (Response, error) {
	data := append([]byte(nil), r.Data...)
	for n := 0; r.Status.SW1() == 0x61; n++ {
		if n == maxFollowUps || len(data) > MaxResponse {
			return Response{Status: r.Status}, nil
		}
		get := []byte{cla & 0x03, insGetResponse, 0, 0, r.Status.SW2()}
		next, err := transceive(ctx, t, get)
		if err != nil {
			return next, err
		}
		if next.Status.SW1() == 0x6C {
			get[4] = next.Status.SW2()
			if next, err = transceive(ctx, t, get); err != nil {
				return next, err
			}
		}
		data = append(data, next.Data...)
		r = next
	}
	r.Data = data
	return r, nil
}

// withLe is command with its Le replaced by, or given, the short value le.
func withLe(command []byte, le byte) []byte {
	out := append([]byte(nil), command...)
	if c, err := ParseCommand(command); err == nil && !c.Extended && c.Ne > 0 {
		out[len(out)-1] = le
		return out
	}
	return append(out, le)
}

func transceive(ctx context.Context, t Transceiver, command []byte) (Response, error) {
	b, err := t.Transceive(ctx, command)
	if err != nil {
		return Response{}, err
	}
	r, err := ParseResponse(b)
	if err != nil {
		return Response{}, errors.Join(ErrLost, err)
	}
	return r, nil
}

package iso8583

import (
	"context"
	"errors"
	"fmt"
)

// errHopeless is a message without a type or a bitmap: nobody can answer it,
// and what follows on its connection is not to be trusted.
var errHopeless = errors.New("not a message")

// responder turns packed requests into packed answers, whatever arrives. The
// server has one, and so has an exchange within the process.
type responder struct {
	codec    *Codec
	handler  Handler
	validate func(*Message) error
	limit    int // bytes of an answer
}

// respond is the answer to one packed request with its length header, nil when
// there is none. The error is for the log: the answer is there all the same,
// unless it is errHopeless.
func (r *responder) respond(ctx context.Context, packed []byte) (frame []byte, note error) {
	var request *Message
	defer func() {
		if cause := recover(); cause != nil {
			frame, note = r.crashed(request, cause)
		}
	}()
	request, err := r.codec.Unpack(packed)
	switch {
	case request == nil:
		return nil, fmt.Errorf("%w: %w (read by the table %s)", errHopeless, err, r.codec.name)
	case request.MTI.Response() == "":
		return nil, fmt.Errorf("%s is not a request, nothing is answered", request.MTI)
	case err == nil:
		err = r.validate(request)
	}
	if err != nil {
		note = fmt.Errorf("%s is answered with a format error: %w", request.MTI, err)
		frame, err = r.codec.frame(Response(request, FormatError), r.limit)
		return frame, errors.Join(note, err)
	}
	answer := r.handler(ctx, request)
	if answer == nil {
		return nil, nil
	}
	if frame, err = r.codec.frame(answer, r.limit); err == nil {
		return frame, nil
	}
	note = fmt.Errorf("the answer to %s cannot be packed: %w", request.MTI, err)
	frame, err = r.codec.frame(Response(request, SystemMalfunction), r.limit)
	return frame, errors.Join(note, err)
}

// crashed is the answer when a handler panicked. What it panicked with is
// masked: it may quote the request.
func (r *responder) crashed(request *Message, cause any) ([]byte, error) {
	note := fmt.Errorf("panic: %s", maskText(fmt.Sprint(cause)))
	if request == nil {
		return nil, fmt.Errorf("%w: %w", errHopeless, note)
	}
	frame, err := r.codec.frame(Response(request, SystemMalfunction), r.limit)
	return frame, errors.Join(fmt.Errorf("%s is answered with a system malfunction: %w", request.MTI, note), err)
}

// ErrNoAnswer means that a handler gave no answer on purpose: on a connection
// the request would run into its time-out.
var ErrNoAnswer = errors.New("no answer")

// InProcess joins a requester and a handler without a connection. Requests and
// answers still pass through the codec (nil is Standard), so that both ends
// see exactly what they would see over a wire, rules and format errors
// included. A handler that keeps silent is ErrNoAnswer at once.
func InProcess(codec *Codec, handler Handler) Exchanger {
	if codec == nil {
		codec = Standard()
	}
	return &inProcess{responder{codec: codec, handler: handler, validate: Validate, limit: defaultMaxFrame}}
}

type inProcess struct{ responder }

// Exchange hands the request to the handler.
func (p *inProcess) Exchange(ctx context.Context, request *Message) (*Message, error) {
	packed, err := p.codec.Pack(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	frame, err := p.respond(ctx, packed)
	switch {
	case frame == nil && err == nil:
		return nil, fmt.Errorf("%w to %s", ErrNoAnswer, request.MTI)
	case frame == nil:
		return nil, err
	}
	size, _ := p.codec.header.size()
	answer, err := p.codec.Unpack(frame[size:])
	if err != nil {
		return nil, fmt.Errorf("the answer to %s is wrong: %w", request.MTI, err)
	}
	return answer, nil
}

// WithNetwork wraps a handler so that it need not care for network management:
// sign-on, sign-off and echo are approved, other codes are answered with 40,
// function not supported. Everything else goes to next.
func WithNetwork(next Handler) Handler {
	return func(ctx context.Context, request *Message) *Message {
		if request.MTI.Response() == NetworkResponse {
			return answerNetwork(request)
		}
		return next(ctx, request)
	}
}

func answerNetwork(request *Message) *Message {
	switch request.NetworkCode {
	case SignOn, SignOff, EchoTest:
		return Response(request, Approved)
	default:
		return Response(request, notSupported)
	}
}

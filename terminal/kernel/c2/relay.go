package c2

import (
	"context"
	"fmt"
	"io"
	"time"

	"tapsim/apdu"
	"tapsim/emv"
)

// Tags of the relay resistance protocol.
const (
	tagTerminalEntropy emv.Tag = 0xDF8301
	tagDeviceEntropy   emv.Tag = 0xDF8302
	tagMinTime         emv.Tag = 0xDF8303
	tagMaxTime         emv.Tag = 0xDF8304
	tagEstimate        emv.Tag = 0xDF8305
	tagMeasured        emv.Tag = 0xDF8306
	tagRelayCounter    emv.Tag = 0xDF8307
)

const (
	// relayRetries is how often a card that was too slow gets another chance.
	relayRetries = 2
	// relayTick is the unit of the protocol's times.
	relayTick = 100 * time.Microsecond
)

// relayData are the data of the last exchange. Times are in 100 µs, big endian
// as the card sends them.
type relayData struct {
	performed bool
	entropy   [4]byte  // the terminal's: the unpredictable number
	card      [10]byte // device entropy 4, minimum 2, maximum 2, estimate 2
	measured  [2]byte
	counter   [1]byte // retries
}

func (d *relayData) device() []byte  { return d.card[:4] }
func (d *relayData) minTime() uint64 { return uint64(d.card[4])<<8 | uint64(d.card[5]) }
func (d *relayData) maxTime() uint64 { return uint64(d.card[6])<<8 | uint64(d.card[7]) }

// estimate is what the card says its answer takes on the air.
func (d *relayData) estimate() uint64 { return uint64(d.card[8])<<8 | uint64(d.card[9]) }

func (d *relayData) lookup(tag emv.Tag) ([]byte, bool) {
	if !d.performed || tag < tagTerminalEntropy || tag > tagRelayCounter {
		return nil, false
	}
	switch tag {
	case tagTerminalEntropy:
		return d.entropy[:], true
	case tagDeviceEntropy:
		return d.device(), true
	case tagMinTime:
		return d.card[4:6], true
	case tagMaxTime:
		return d.card[6:8], true
	case tagEstimate:
		return d.card[8:10], true
	case tagMeasured:
		return d.measured[:], true
	}
	return d.counter[:], true
}

// relayResistance measures how fast the card answers, where both sides can:
// a card far away, reached over a relay, is slower than it may be (EMV Book
// C-2, SR1). Two slow answers are forgiven, each with a new unpredictable
// number.
func (r *run) relayResistance(ctx context.Context) (verdict, error) {
	if r.k.WithoutRelayResistance {
		return goOn, nil
	}
	if !r.aip.Has(emv.AIPRelayResistance) || r.set.kernel&relayResistance == 0 {
		r.setRelay(false)
		return goOn, nil
	}
	for {
		measured, v, err := r.exchangeEntropy(ctx)
		if v != goOn || err != nil {
			return v, err
		}
		s, d := &r.set.relay, &r.relay
		if measured < less(d.minTime(), s.minGrace) {
			return r.fail(L2CardDataError, "EMV Book C-2, SR1.18", "the card answered faster than it says it can"), nil
		}
		slow := measured > d.maxTime()+s.maxGrace
		if slow && d.counter[0] < relayRetries {
			if err := r.again(); err != nil {
				return goOn, err
			}
			continue
		}
		r.judgeRelay(measured, slow)
		return goOn, nil
	}
}

// again draws the unpredictable number of another attempt.
func (r *run) again() error {
	r.relay.counter[0]++
	r.note("EMV Book C-2, SR1.20", "the card answered too slowly: once more with a new unpredictable number")
	if _, err := io.ReadFull(r.a.Rand, r.un[:]); err != nil {
		return fmt.Errorf("unpredictable number: %w", err)
	}
	return nil
}

// exchangeEntropy is one EXCHANGE RELAY RESISTANCE DATA. It returns the time
// that the card took for processing, in 100 µs.
func (r *run) exchangeEntropy(ctx context.Context) (measured uint64, v verdict, err error) {
	d := &r.relay
	d.performed, d.entropy = true, r.un
	command := append(r.a.Buffer[:0], 0x80, 0xEA, 0x00, 0x00, byte(len(d.entropy)))
	command = append(append(command, d.entropy[:]...), 0x00)
	start := r.a.Now()
	answer, err := apdu.ExchangeBytes(ctx, r.a.Card, command)
	elapsed := r.a.Now().Sub(start)
	if err != nil {
		return 0, goOn, err
	}
	if answer.Status != apdu.StatusOK {
		return 0, r.refused(answer.Status, "EMV Book C-2, SR1.10", "the card refused EXCHANGE RELAY RESISTANCE DATA"), nil
	}
	tag, value, ok := oneObject(answer.Data)
	if !ok || tag != emv.TagResponseFormat1 || len(value) != len(d.card) {
		return 0, r.fail(L2ParsingError, "EMV Book C-2, SR1.14", "the answer to EXCHANGE RELAY RESISTANCE DATA is not template 80 with ten bytes"), nil
	}
	copy(d.card[:], value)
	s := &r.set.relay
	measured = less(uint64(max(elapsed, 0)/relayTick), s.command+min(s.response, d.estimate()))
	shown := min(measured, 0xFFFF)
	d.measured = [2]byte{byte(shown >> 8), byte(shown)}
	return measured, goOn, nil
}

// judgeRelay sets the TVR: time limits exceeded after all retries, and the
// threshold when card and terminal disagree about the time on the air or the
// card took much longer than its minimum.
func (r *run) judgeRelay(measured uint64, slow bool) {
	s, d := &r.set.relay, &r.relay
	if slow {
		r.tvr().Set(emv.TVRRelayTimeLimits, true)
		r.note("EMV Book C-2, SR1.27", "relay resistance: the card took longer than it says it may")
	}
	if e := d.estimate(); e != 0 && s.response != 0 &&
		(e*100/s.response < s.mismatch || s.response*100/e < s.mismatch || less(measured, d.minTime()) > s.accuracy) {
		r.tvr().Set(emv.TVRRelayThreshold, true)
		r.note("EMV Book C-2, SR1.29", "relay resistance: a time threshold is exceeded")
	}
	r.setRelay(true)
	if r.a.Trace != nil {
		r.note("EMV Book C-2, SR1.30", fmt.Sprintf("relay resistance performed: the card took %s", time.Duration(measured)*relayTick))
	}
}

// setRelay sets the two bits of the TVR that say whether relay resistance was
// performed: 10 or 01. 00 is a kernel without the protocol.
func (r *run) setRelay(performed bool) {
	r.tvr().Set(emv.TVRRelayPerformed, performed)
	r.tvr().Set(emv.TVRRelayNotPerformed, !performed)
}

// less is a - b, and 0 where b is more.
func less(a, b uint64) uint64 {
	if b > a {
		return 0
	}
	return a - b
}

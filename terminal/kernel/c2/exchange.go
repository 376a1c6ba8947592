package c2

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tapsim/apdu"
	"tapsim/emv"
)

// DataExchange is the terminal's end of data exchange: the kernel sends what
// the terminal wanted to know of the card and asks for what it lacks itself,
// and the terminal answers (EMV Book C-2, 3.3: signals DEK and DET).
type DataExchange interface {
	// Exchange takes a DEK signal and returns the data of the DET signal that
	// answers it: data objects that come before the kernel's own configuration,
	// DF8110 (proceed to first write), further tags to read (DF8112) and tags to
	// write (FF8102, FF8103). ErrTimeout and ErrStop end the application.
	Exchange(ctx context.Context, dek DEK) (emv.List, error)
}

// DEK is what the kernel sends to the terminal.
type DEK struct {
	Needed  []emv.Tag     // DF8106: values that the kernel lacks
	ToSend  emv.List      // FF8104: values that the terminal asked for; what the card does not have is empty
	Timeout time.Duration // DF8127: how long the kernel waits
}

// What a terminal may answer instead of data.
var (
	ErrTimeout = errors.New("data exchange: no answer in time")
	ErrStop    = errors.New("data exchange: the terminal stops the transaction")
)

// Tags of data exchange.
const (
	tagTagsToRead     emv.Tag = 0xDF8112
	tagProceed        emv.Tag = 0xDF8110
	tagWriteBefore    emv.Tag = 0xFF8102
	tagWriteAfter     emv.Tag = 0xFF8103
	tagPutBefore      emv.Tag = 0xDF810F
	tagPutAfter       emv.Tag = 0xDF810E
	firstDataEnvelope emv.Tag = 0x9F70
	lastDataEnvelope  emv.Tag = 0x9F79
)

const ruleExchange = "EMV Book C-2, data exchange"

// Limits of data exchange.
const (
	maxRounds   = 16 // DEK signals of one transaction
	maxTagsRead = 64 // tags that a terminal may ask for
	maxWrites   = 32 // data objects that a terminal may write
)

// exchangeState is where the data exchange of a transaction stands.
type exchangeState struct {
	rounds        int
	toRead        []emv.Tag
	toSend        emv.List
	before, after emv.List // still to be written
	putBefore     [1]byte  // DF810F
	putAfter      [1]byte  // DF810E
}

// completed is bit 8 of a PUT DATA status: everything was written.
const completed = 0x80

// askForPDOL asks the terminal for values of the PDOL that it announced by an
// empty object, and for the tags to read where DF8112 is empty (S1.10 to
// S1.23, S2).
func (r *run) askForPDOL(ctx context.Context) error {
	if r.k.Exchange == nil {
		return nil
	}
	if err := r.learn(r.a.Config.Data); err != nil {
		return err
	}
	needed := r.lacking(nil, r.card[slotPDOL])
	if v, ok := r.a.Config.Data.Lookup(tagTagsToRead); ok && len(v) == 0 {
		needed = append(needed, tagTagsToRead)
	}
	if len(needed) == 0 {
		return nil
	}
	return r.ask(ctx, needed)
}

// exchangeData follows the records: it tells the terminal what it wanted to
// know, asks for what CDOL1 lacks, and waits while DF8110 says so (S456.2 to
// S456.11, S5, S6).
func (r *run) exchangeData(ctx context.Context) (verdict, error) {
	if r.k.Exchange == nil {
		return goOn, nil
	}
	needed := r.lacking(nil, r.card[slotCDOL1])
	for {
		if v, err := r.readTags(ctx); v != goOn || err != nil {
			return v, err
		}
		proceed, waiting := r.Lookup(tagProceed)
		wait := waiting && (len(proceed) != 1 || proceed[0] == 0)
		if waiting && len(proceed) == 0 {
			needed = append(needed, tagProceed)
		}
		if !wait && len(needed) == 0 && len(r.exchanged.toSend) == 0 {
			return goOn, nil
		}
		if err := r.ask(ctx, needed); err != nil {
			return goOn, err
		}
		needed = nil
	}
}

// ask sends one DEK signal and takes the answer in.
func (r *run) ask(ctx context.Context, needed []emv.Tag) error {
	x := &r.exchanged
	if x.rounds++; x.rounds > maxRounds {
		return ErrTimeout
	}
	answer, err := r.k.Exchange.Exchange(ctx, DEK{needed, x.toSend, time.Duration(r.set.timeout) * time.Millisecond})
	if err != nil {
		return err
	}
	x.toSend = nil
	r.note(ruleExchange, "the terminal answered the kernel's request for data")
	r.det = append(append(emv.List{}, answer...), r.det...)
	return r.learn(answer)
}

// learn takes lists of tags to read and to write.
func (r *run) learn(data emv.List) error {
	x := &r.exchanged
	for _, o := range data {
		var err error
		switch o.Tag {
		case tagTagsToRead:
			err = x.addTags(o.Value)
		case tagWriteBefore:
			err = addWrites(&x.before, o.Value)
		case tagWriteAfter:
			err = addWrites(&x.after, o.Value)
		}
		if err != nil {
			return fmt.Errorf("data exchange: tag %s: %w", o.Tag, err)
		}
	}
	return nil
}

func (x *exchangeState) addTags(list []byte) error {
	for at := 0; at < len(list); {
		end := at + 1
		if list[at]&0x1F == 0x1F {
			for end++; end <= len(list) && list[end-1]&0x80 != 0; {
				end++
			}
		}
		if end > len(list) {
			return errors.New("the list ends inside a tag")
		}
		tag, err := emv.ParseTag(fmt.Sprintf("%X", list[at:end]))
		if err != nil {
			return err
		}
		if len(x.toRead) == maxTagsRead {
			return fmt.Errorf("more than %d tags", maxTagsRead)
		}
		x.toRead, at = append(x.toRead, tag), end
	}
	return nil
}

func addWrites(to *emv.List, value []byte) error {
	l, err := emv.ParseList(value)
	if err != nil {
		return err
	}
	if len(*to)+len(l) > maxWrites {
		return fmt.Errorf("more than %d objects to write", maxWrites)
	}
	for _, o := range l {
		if o.Tag < firstDataEnvelope || o.Tag > lastDataEnvelope || len(o.Value) > apdu.MaxShortData {
			return fmt.Errorf("%s cannot be written: only the data envelopes 9F70 to 9F79, of one command's length", o.Tag)
		}
	}
	*to = append(*to, l...)
	return nil
}

// lacking appends the tags of a list that the terminal announced by an empty
// object.
func (r *run) lacking(needed []emv.Tag, dol []byte) []emv.Tag {
	for len(dol) > 0 {
		e, rest, ok := emv.NextDOLEntry(dol)
		if !ok {
			return needed
		}
		if v, known := r.Lookup(e.Tag); known && len(v) == 0 && !slices.Contains(needed, e.Tag) {
			needed = append(needed, e.Tag)
		}
		dol = rest
	}
	return needed
}

// readTags finds what the terminal wants to know: the card has said it, or GET
// DATA asks (S5).
func (r *run) readTags(ctx context.Context) (verdict, error) {
	x := &r.exchanged
	for len(x.toRead) > 0 {
		tag := x.toRead[0]
		x.toRead = x.toRead[1:]
		v, known := r.card.Lookup(tag)
		if !known && tag.Len() <= 2 {
			var err error
			if v, err = r.getData(ctx, tag); err != nil {
				return goOn, err
			}
		}
		x.toSend = append(x.toSend, emv.TLV{Tag: tag, Value: v})
	}
	return goOn, nil
}

// getData is GET DATA; nil when the card does not give the object.
func (r *run) getData(ctx context.Context, tag emv.Tag) ([]byte, error) {
	command := append(r.a.Buffer[:0], 0x80, 0xCA, byte(tag>>8), byte(tag), 0x00)
	answer, err := apdu.ExchangeBytes(ctx, r.a.Card, command)
	if err != nil {
		return nil, err
	}
	got, value, ok := oneObject(answer.Data)
	if answer.Status != apdu.StatusOK || !ok || got != tag {
		return nil, nil
	}
	return value, nil
}

// putData writes objects until the card refuses one; true when none is left
// (S12, S15).
func (r *run) putData(ctx context.Context, writes *emv.List) (bool, error) {
	for len(*writes) > 0 {
		o := (*writes)[0]
		*writes = (*writes)[1:]
		command := append([]byte{0x80, 0xDA, byte(o.Tag >> 8), byte(o.Tag), byte(len(o.Value))}, o.Value...)
		answer, err := apdu.ExchangeBytes(ctx, r.a.Card, command)
		if err != nil {
			return false, err
		}
		if answer.Status != apdu.StatusOK {
			r.note(ruleExchange, "the card refused PUT DATA")
			return false, nil
		}
	}
	return true, nil
}

// writeBefore is the PUT DATA before GENERATE AC (S456.42, S12).
func (r *run) writeBefore(ctx context.Context) error {
	if len(r.exchanged.before) == 0 {
		return nil
	}
	done, err := r.putData(ctx, &r.exchanged.before)
	if done {
		r.exchanged.putBefore[0] = completed
	}
	return err
}

// writeAfter is the PUT DATA after GENERATE AC. The cryptogram is there: a card
// that leaves now changes nothing (S910.76, S15).
func (r *run) writeAfter(ctx context.Context) error {
	done, err := r.putData(ctx, &r.exchanged.after)
	if done {
		r.exchanged.putAfter[0] = completed
	}
	return unlessLost(err)
}

// unlessLost forgets that the card left.
func unlessLost(err error) error {
	if errors.Is(err, apdu.ErrLost) {
		return nil
	}
	return err
}

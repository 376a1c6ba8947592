package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tapsim/issuer"
)

// The rows of the bank's everyday business; rows.go has those of messages.

var (
	controlsTable = newTable("controls", 1, "account rules counts")
	disputeTable  = newTable("disputes", 1, "id account payment amount billed state reason opened changed")
	answeredTable = newTable("answered", 1, "key request answer time")
	settingTable  = newTable("settings", 1, "name value")
	noticeTable   = newTable("notices", 0, "account kind rule text record time")
	sheetTable    = newTable("sheets", 1, "slot record steps")

	selectControls = controlsTable.selection()
	selectDisputes = disputeTable.selection()
	selectAnswered = answeredTable.selection()
	selectSettings = settingTable.selection()
	selectNotices  = noticeTable.selection()
	selectSheets   = sheetTable.selection()
)

// detailLength is the blob of what a record is about.
const detailLength = 1 + 3*2 + 5*8

func appendDetail(b []byte, r *issuer.Record) []byte {
	be := binary.BigEndian
	b = be.AppendUint16(append(b, byte(r.Event)), r.Billing)
	b = be.AppendUint16(be.AppendUint16(b, r.Category), r.Country)
	for _, n := range [...]int64{r.Related, r.Billed, r.Fee, r.Refunded, r.Returned} {
		b = be.AppendUint64(b, uint64(n))
	}
	return b
}

// readDetail is the inverse of appendDetail. Older rows have none: what they are
// about shows elsewhere.
func readDetail(r *issuer.Record, b []byte) error {
	if len(b) == 0 {
		r.Billing, r.Billed = r.Currency, r.Amount
		switch {
		case strings.HasPrefix(r.Key, "open/"):
			r.Event = issuer.EventOpening
		case r.State == issuer.RecordCredited:
			r.Event = issuer.EventRefund
		}
		return nil
	}
	if len(b) != detailLength {
		return fmt.Errorf("table records: the detail of record %d has %d bytes, want %d", r.Seq, len(b), detailLength)
	}
	be := binary.BigEndian
	r.Event, r.Billing, r.Category, r.Country = issuer.Event(b[0]), be.Uint16(b[1:]), be.Uint16(b[3:]), be.Uint16(b[5:])
	for n, to := range [...]*int64{&r.Related, &r.Billed, &r.Fee, &r.Refunded, &r.Returned} {
		*to = int64(be.Uint64(b[7+8*n:]))
	}
	return nil
}

// controlRules is the part of the controls that customers choose.
type controlRules struct {
	Limits      []issuer.Limit      `json:"limits,omitempty"`
	Budgets     []issuer.Budget     `json:"budgets,omitempty"`
	Contactless *issuer.Contactless `json:"contactless,omitempty"`
}

func appendControls(args []any, c *issuer.Controls) []any {
	rules := []byte{}
	if len(c.Limits)+len(c.Budgets) > 0 || c.Contactless != nil {
		rules, _ = json.Marshal(controlRules{c.Limits, c.Budgets, c.Contactless}) // numbers and text only: it cannot fail
	}
	return append(args, c.Account, rules, appendCounts(make([]byte, 0, countsLength(c)), c))
}

// Lengths in the blob of counts: a head with day, month and the number of sums;
// a sum; an attempt.
const (
	countsHead    = 4 + 4 + 2
	sumLength     = 2 + 2 + 8 + 8
	attemptLength = 8 + 8 + 2 + 1
)

func countsLength(c *issuer.Controls) int {
	return countsHead + len(c.Sums)*sumLength + len(c.Attempts)*attemptLength
}

func appendCounts(b []byte, c *issuer.Controls) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(be.AppendUint32(b, uint32(c.Day)), uint32(c.Month))
	b = be.AppendUint16(b, uint16(len(c.Sums)))
	for _, s := range c.Sums {
		b = be.AppendUint16(be.AppendUint16(b, s.Category), s.Country)
		b = be.AppendUint64(be.AppendUint64(b, uint64(s.Day)), uint64(s.Month))
	}
	for _, a := range c.Attempts {
		b = be.AppendUint64(be.AppendUint64(b, uint64(a.Time)), uint64(a.Amount))
		b = be.AppendUint16(b, a.Country)
		approved := byte(0)
		if a.Approved {
			approved = 1
		}
		b = append(b, approved)
	}
	return b
}

func scanControls(s scanner) (c issuer.Controls, err error) {
	var rules, counts []byte
	if err = s.Scan(&c.Account, &rules, &counts); err != nil {
		return c, err
	}
	if len(rules) > 0 {
		var r controlRules
		if err = json.Unmarshal(rules, &r); err != nil {
			return c, err
		}
		c.Limits, c.Budgets, c.Contactless = r.Limits, r.Budgets, r.Contactless
	}
	return c, readCounts(&c, counts)
}

var errCounts = errors.New("table controls: the counts are cut off")

func readCounts(c *issuer.Controls, b []byte) error {
	be := binary.BigEndian
	if len(b) < countsHead {
		return errCounts
	}
	c.Day, c.Month = int(be.Uint32(b)), int(be.Uint32(b[4:]))
	sums := int(be.Uint16(b[8:]))
	if b = b[countsHead:]; len(b) < sums*sumLength || (len(b)-sums*sumLength)%attemptLength != 0 {
		return errCounts
	}
	for range sums {
		c.Sums = append(c.Sums, issuer.Sum{
			Category: be.Uint16(b), Country: be.Uint16(b[2:]), Day: int64(be.Uint64(b[4:])), Month: int64(be.Uint64(b[12:])),
		})
		b = b[sumLength:]
	}
	for ; len(b) > 0; b = b[attemptLength:] {
		c.Attempts = append(c.Attempts, issuer.Attempt{
			Time: int64(be.Uint64(b)), Amount: int64(be.Uint64(b[8:])), Country: be.Uint16(b[16:]), Approved: b[18] == 1,
		})
	}
	return nil
}

func appendDispute(args []any, d *issuer.Dispute) []any {
	return append(args, d.ID, d.Account, d.Payment, d.Amount, d.Billed, int64(d.State), d.Reason, d.Opened.Unix(), d.Changed.Unix())
}

func scanDispute(s scanner) (d issuer.Dispute, err error) {
	var opened, changed int64
	err = s.Scan(&d.ID, &d.Account, &d.Payment, &d.Amount, &d.Billed, &d.State, &d.Reason, &opened, &changed)
	d.Opened, d.Changed = instant(opened), instant(changed)
	return d, err
}

func appendAnswered(args []any, a *issuer.Answered) []any {
	return append(args, a.Key, a.Request[:], a.Answer, a.Time.Unix())
}

func scanAnswered(s scanner) (a issuer.Answered, err error) {
	var request []byte
	var at int64
	err = s.Scan(&a.Key, &request, &a.Answer, &at)
	copy(a.Request[:], request)
	a.Time = instant(at)
	return a, err
}

func appendSetting(args []any, s *issuer.Setting) []any { return append(args, s.Name, s.Value) }

func scanSetting(s scanner) (v issuer.Setting, err error) {
	err = s.Scan(&v.Name, &v.Value)
	return v, err
}

func appendNotice(args []any, n *issuer.Notice) []any {
	return append(args, n.Account, n.Kind, n.Rule, n.Text, n.Record, n.Time.Unix())
}

func scanNotice(s scanner) (n issuer.Notice, err error) {
	var at int64
	err = s.Scan(&n.Account, &n.Kind, &n.Rule, &n.Text, &n.Record, &at)
	n.Time = instant(at)
	return n, err
}

func appendSheet(args []any, s *issuer.Sheet) []any { return append(args, s.Slot(), s.Record, s.Steps) }

func scanSheet(row scanner) (s issuer.Sheet, err error) {
	var slot int64
	err = row.Scan(&slot, &s.Record, &s.Steps)
	return s, err
}

// instant is a stored time.
func instant(unix int64) time.Time { return time.Unix(unix, 0).UTC() }

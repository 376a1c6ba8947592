package issuer

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// StandIn says what the bank still approves while it is closed for maintenance:
// payments up to an amount whose cryptogram, card and account are in order,
// without a look at balance and limits. Zero: nothing.
type StandIn struct {
	MaxAmount int64 // minor units of the bank's currency
}

// Maintenance is the bank's state while it is closed for maintenance. Requests
// are answered with 91 and leave no trace; reversals and advices, which report
// what happened already, are taken as always.
type Maintenance struct {
	On    bool      `json:"on"`
	Text  string    `json:"text,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

// settingMaintenance is where the store keeps a Maintenance, as JSON.
const settingMaintenance = "maintenance"

// loadMaintenance takes the state from the store.
func (i *Issuer) loadMaintenance() error {
	i.gate.Lock()
	defer i.gate.Unlock()
	value, ok, err := i.store.Setting(settingMaintenance)
	if err != nil || !ok {
		return err
	}
	m := new(Maintenance)
	if err := json.Unmarshal(value, m); err != nil {
		return fmt.Errorf("issuer: the stored state of maintenance: %w", err)
	}
	if !m.On {
		m = nil
	}
	i.closed.Store(m)
	return nil
}

// MaintenanceRequest opens or closes the bank.
type MaintenanceRequest struct {
	On          bool   `json:"on"`
	Text        string `json:"text,omitempty"` // why, for those who are refused
	Idempotency string `json:"-"`
}

// SetMaintenance closes the bank for maintenance, or opens it again.
func (i *Issuer) SetMaintenance(ctx context.Context, r MaintenanceRequest) (Maintenance, error) {
	if err := checkText("the text", r.Text); err != nil {
		return Maintenance{}, err
	}
	m, err := once(ctx, i, "maintenance", r.Idempotency, r, func(tx *Tx, at time.Time) (Maintenance, error) {
		m := Maintenance{On: r.On, Text: r.Text, Since: at}
		value, err := json.Marshal(m)
		if err == nil {
			tx.PutSetting(settingMaintenance, value)
		}
		return m, err
	})
	if err == nil { // what counts is what the store has: m may be the first answer again, and long past
		err = i.loadMaintenance()
	}
	return m, err
}

// Maintenance tells whether the bank is closed.
func (i *Issuer) Maintenance() Maintenance {
	if m := i.closed.Load(); m != nil {
		return *m
	}
	return Maintenance{}
}

// open refuses a customer's change while the bank is closed.
func (i *Issuer) open() error {
	m := i.closed.Load()
	if m == nil {
		return nil
	}
	text := "the bank is closed for maintenance"
	if m.Text != "" {
		text += ": " + m.Text
	}
	return refused("maintenance", "try again later; `tapsim bank maintenance off` opens it", "%s", text)
}

// standIn decides whether a payment is judged at all while the bank is closed.
func (i *Issuer) standIn(p *payment, report *Report) bool {
	if i.closed.Load() == nil || p.advice {
		return true
	}
	if p.code == "" && !p.refund() && i.config.StandIn.MaxAmount > 0 && i.inOwnCurrency(p) <= i.config.StandIn.MaxAmount {
		p.standIn = true
		report.step(stepMaintenance, OK, "the bank is closed; small payments with a cryptogram that is right are approved in its stead")
		return true
	}
	report.step(stepMaintenance, Failed, "the bank is closed for maintenance; nothing is recorded")
	return false
}

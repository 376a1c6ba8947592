package hce

import (
	"tapsim/cryptogram"
	"tapsim/emv"
)

// check refuses settings that do not fit together. section is where they stand
// in the file.
func (q *QVSDC) check(section string) error {
	if q.CTQ.Has(emv.CTQOnlinePIN) || q.CTQ.Has(emv.CTQSignature) || q.CTQ.Has(emv.CTQConsumerDeviceDone) {
		return fault(section+".ctq", "the bits for online PIN, signature and consumer device are the card's own choice")
	}
	for i, m := range q.CVM {
		if m < CVMConsumerDevice || m > CVMSignature {
			return fault(section+".cvm", "entry %d is none of consumer-device, online-pin, signature", i+1)
		}
	}
	device := q.gives(CVMConsumerDevice)
	switch {
	case q.OnlinePIN < Nowhere || q.OnlinePIN > Everywhere:
		return fault(section+".online_pin", "want nowhere, domestic, international or everywhere")
	case q.gives(CVMOnlinePIN) == (q.OnlinePIN == Nowhere):
		return fault(section+".online_pin", "cvm lists online-pin if and only if it is allowed somewhere")
	case q.NoCommonCVM != ReactDecline && q.NoCommonCVM != ReactUseContact:
		return fault(section+".no_common_cvm", "want decline or use-contact")
	case q.OfflineOnlyReader != ReactDecline && q.OfflineOnlyReader != ReactRefuse:
		return fault(section+".offline_only_reader", "want decline or refuse")
	case q.Refund != ReactOnline && q.Refund != ReactDecline:
		return fault(section+".refund", "want online or decline")
	case q.CVMLimit < 0 || q.CVMLimit > emv.MaxAmount:
		return fault(section+".cvm_limit", "want an amount of at most 12 digits")
	case device != (q.Device != nil):
		return fault(section+".device", "it is there if and only if cvm lists consumer-device")
	case device:
		if err := q.Device.check(section + ".device"); err != nil {
			return err
		}
	}
	return q.checkCounters(section)
}

func (q *QVSDC) checkCounters(section string) error {
	switch {
	case q.Counters != nil && q.Counters.Currency != q.Currency:
		return fault(section+".counters.currency", "it is not the card's own, %s.currency", section)
	case q.Abroad != nil && q.Abroad.LowerCount > q.Abroad.UpperCount:
		return fault(section+".abroad.lower_count", "it is above the upper one")
	case q.CTQ.Has(emv.CTQIssuerUpdate) != (q.Update != nil):
		return fault(section+".issuer_update", "it is there if and only if the ctq says so (byte 2, bit 7)")
	}
	return q.Counters.check(section + ".counters")
}

// buildUpdate refuses an issuer update that the recipe does not have.
func (s *static) buildUpdate(section string) error {
	u := s.qvsdc.Update
	if u == nil {
		return nil
	}
	if s.stock != stockCardKey || s.recipe.ARPC == 0 {
		return fault(section+".issuer_update", "it takes a card key, and a cryptogram that the issuer answers")
	}
	if u.ScriptKey == nil {
		return nil
	}
	if _, ok := s.recipe.Script.Rules(); !ok || u.ScriptKey.Algorithm() != cryptogram.TDES || u.ScriptKey.Len() != 16 {
		return fault(section+".issuer_update.script_key", "want a double-length 3DES key, and a cryptogram whose scripts are defined")
	}
	return nil
}

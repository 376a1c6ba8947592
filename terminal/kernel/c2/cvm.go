package c2

import (
	"bytes"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// verifyCardholder selects the cardholder verification method (EMV Book C-2,
// 7.5).
func (r *run) verifyCardholder() verdict {
	switch {
	case r.onDevice && r.overCVMLimit():
		return r.chooseCVM(kernel.CVMConfirmationCode, emv.CVMResults{byte(emv.CVMPlaintextPIN), 0, emv.CVMSuccessful},
			"EMV Book C-2, CVM.4", "verified on the consumer's device: both sides have it and the amount is above the CVM required limit")
	case r.onDevice:
		return r.chooseCVM(kernel.CVMNotRequired, emv.CVMResults{byte(emv.CVMNotPerformed), 0, emv.CVMSuccessful},
			"EMV Book C-2, CVM.3", "no cardholder verification required: up to the CVM required limit the device is trusted")
	case !r.aip.Has(emv.AIPCardholderVerification):
		return r.chooseCVM(kernel.CVMNotRequired, emv.CVMResults{byte(emv.CVMNotPerformed), 0, emv.CVMUnknown},
			"EMV Book C-2, CVM.6", "no cardholder verification: the card does not support it")
	}
	value := r.card[slotCVMList]
	list, err := emv.ParseCVMList(value)
	switch {
	case value != nil && err != nil:
		return r.fail(L2CardDataError, "EMV Book C-2, 7.5", "the CVM list is malformed")
	case len(list.Rules) == 0:
		r.tvr().Set(emv.TVRICCDataMissing, true)
		return r.chooseCVM(kernel.CVMNotRequired, emv.CVMResults{byte(emv.CVMNotPerformed), 0, emv.CVMUnknown},
			"EMV Book C-2, CVM.8", "no cardholder verification: the card has no CVM list")
	}
	return r.walkCVMList(list)
}

// walkCVMList tries the rules in order (CVM.9 to CVM.25).
func (r *run) walkCVMList(list emv.CVMList) verdict {
	for i, rule := range list.Rules {
		if !r.conditionMet(list, rule) {
			continue
		}
		switch method := rule.Method(); {
		case !recognised(method):
			r.tvr().Set(emv.TVRUnrecognisedCVM, true)
			r.note("EMV Book C-2, CVM.16", "a CVM rule names a method that this kernel does not know")
		case method != emv.CVMFail && r.supports(method):
			return r.applyCVM(rule)
		}
		if !rule.ApplyNext() || i == len(list.Rules)-1 {
			return r.failCVM(rule)
		}
	}
	return r.failCVM(emv.CVMRule{Code: byte(emv.CVMNotPerformed)})
}

// failCVM ends verification without success (CVM.14, CVM.22 to CVM.25).
func (r *run) failCVM(rule emv.CVMRule) verdict {
	r.tvr().Set(emv.TVRCardholderNotVerified, true)
	results := emv.CVMResults{byte(emv.CVMNotPerformed), 0, emv.CVMFailed}
	if rule.Method() == emv.CVMFail {
		results = emv.CVMResults{rule.Code, byte(rule.Condition), emv.CVMFailed}
	}
	return r.chooseCVM(kernel.CVMNotRequired, results, "EMV Book C-2, CVM.22", "cardholder verification was not successful: no rule of the card's list could be carried out")
}

// applyCVM carries out a rule that the terminal supports (CVM.18).
func (r *run) applyCVM(rule emv.CVMRule) verdict {
	const cite = "EMV Book C-2, CVM.18"
	results := emv.CVMResults{rule.Code, byte(rule.Condition), emv.CVMUnknown}
	switch rule.Method() {
	case emv.CVMOnlinePIN:
		r.tvr().Set(emv.TVROnlinePINEntered, true)
		return r.chooseCVM(kernel.CVMOnlinePIN, results, cite, "online PIN: the card's list asks for it and the terminal has it")
	case emv.CVMSignature:
		r.receipt = true
		return r.chooseCVM(kernel.CVMSignature, results, cite, "signature: the card's list asks for it and the terminal has it")
	default:
		results[2] = emv.CVMSuccessful
		return r.chooseCVM(kernel.CVMNotRequired, results, cite, "no cardholder verification required: the card's list and the terminal agree")
	}
}

func (r *run) chooseCVM(m kernel.CVM, results emv.CVMResults, rule, text string) verdict {
	r.cvm, r.cvmResults = m, results
	r.note(rule, text)
	return goOn
}

// recognised are the methods that the kernel knows, whether or not a
// contactless terminal can carry them out (CVM.15).
func recognised(m emv.CVMMethod) bool {
	return m <= emv.CVMEncipheredPINSignature || m == emv.CVMSignature || m == emv.CVMNone
}

// supports is true for the methods of contactless payments that the terminal
// capabilities name (CVM.17); PINs to the card are not among them.
func (r *run) supports(m emv.CVMMethod) bool {
	switch m {
	case emv.CVMOnlinePIN:
		return r.capabilities.Has(emv.CapabilityOnlinePIN)
	case emv.CVMSignature:
		return r.capabilities.Has(emv.CapabilitySignature)
	case emv.CVMNone:
		return r.capabilities.Has(emv.CapabilityNoCVM)
	}
	return false
}

// conditionMet is true when a rule applies (CVM.10 to CVM.12; EMV Book 3,
// Annex C3).
func (r *run) conditionMet(list emv.CVMList, rule emv.CVMRule) bool {
	tx := &r.a.Transaction
	cash := tx.Type == typeCash || tx.Type == typeDisbursement
	unattendedCash := cash && r.cashDispenser()
	switch rule.Condition {
	case emv.CVMAlways:
		return true
	case emv.CVMUnattendedCash:
		return unattendedCash
	case emv.CVMNotCashNorCashback:
		return !cash && tx.Type != typeCashback
	case emv.CVMTerminalSupports:
		return r.supports(rule.Method())
	case emv.CVMManualCash:
		return cash && !unattendedCash
	case emv.CVMCashback:
		return tx.Type == typeCashback
	case emv.CVMUnderX:
		return r.inCardCurrency() && tx.Amount < int64(list.X)
	case emv.CVMOverX:
		return r.inCardCurrency() && tx.Amount > int64(list.X)
	case emv.CVMUnderY:
		return r.inCardCurrency() && tx.Amount < int64(list.Y)
	case emv.CVMOverY:
		return r.inCardCurrency() && tx.Amount > int64(list.Y)
	}
	return false
}

// inCardCurrency is true when the amounts of the CVM list can be compared.
func (r *run) inCardCurrency() bool {
	currency, _ := r.terminal.Lookup(emv.TagTransactionCurrency)
	return r.card.has(slotCurrency) && bytes.Equal(r.card[slotCurrency], currency)
}

package rules

import "tapsim/emv"

// mandatory is what every transaction must have besides track 2.
var mandatory = [...]Slot{AIP, ATC, IAD, Cryptogram}

// Complete is true when the card has given what every transaction must have.
func (r *Run) Complete() bool {
	for _, s := range mandatory {
		if !r.Card.Has(s) {
			return false
		}
	}
	return r.Card.Has(Track2)
}

// CheckData looks for what every transaction must have, and whether the account
// number of track 2 is that of tag 5A. It keeps the card's qualifiers.
func (r *Run) CheckData() Verdict {
	for _, s := range mandatory {
		if !r.Card.Has(s) {
			return r.Because(EndHere, r.Book.Missing, missing(s))
		}
	}
	if v := r.CheckTrack(); v != GoOn {
		return v
	}
	if ctq := r.Card.Get(CTQ); ctq != nil {
		r.CTQ, r.HasCTQ = emv.CTQ(ctq), true
	}
	return GoOn
}

// CheckTrack looks for track 2, and whether it is of the same account as tag 5A.
func (r *Run) CheckTrack() Verdict {
	if !r.Card.Has(Track2) {
		return r.Because(EndHere, r.Book.Missing, missing(Track2))
	}
	if pan := r.Card.Get(PAN); pan != nil && !sameAccount(r.Card.Get(Track2), pan) {
		return r.Because(EndHere, r.Book.SameAccount, "tag 5A and track 2 name different accounts")
	}
	return GoOn
}

func missing(s Slot) string {
	switch s {
	case AIP:
		return "the card gave no 82 (application interchange profile)"
	case ATC:
		return "the card gave no 9F36 (application transaction counter)"
	case IAD:
		return "the card gave no 9F10 (issuer application data)"
	case Cryptogram:
		return "the card gave no 9F26 (application cryptogram), and this reader does not take mag-stripe mode"
	default:
		return "the card gave no 57 (track 2 equivalent data)"
	}
}

// sameAccount compares the digits of track 2 before the separator D with those
// of tag 5A before its F fill, half byte by half byte. It does not ask whether
// they are decimal: EMV Book 3, 7.5 leaves that to who uses them.
func sameAccount(track2, pan []byte) bool {
	n := 2 * len(pan)
	for n > 0 && nibble(pan, n-1) == 0xF {
		n--
	}
	if n >= 2*len(track2) || nibble(track2, n) != 0xD {
		return false
	}
	for i := 0; i < n; i++ {
		if nibble(track2, i) != nibble(pan, i) {
			return false
		}
	}
	return true
}

func nibble(b []byte, i int) byte {
	if i%2 == 0 {
		return b[i/2] >> 4
	}
	return b[i/2] & 0xF
}

// FindType reads what the card decided: from 9F27, or without it from the CVR
// in the issuer application data. False is neither.
func (r *Run) FindType() bool {
	if cid := r.Card.Get(CID); cid != nil {
		r.Kind = emv.CryptogramTypeOf(cid[0])
		return true
	}
	iad, err := emv.ParseIAD(r.Scheme, r.Card.Get(IAD))
	kind, ok := iad.CryptogramType()
	if err != nil || !ok {
		return false
	}
	r.Kind = kind
	r.Note(r.Book.TypeSource, "no 9F27: the issuer application data tell the cryptogram type")
	return true
}

// CryptogramType finds the type and where it leads.
func (r *Run) CryptogramType() Verdict {
	if !r.FindType() {
		return r.NoType()
	}
	return r.FollowType()
}

// NoType ends a transaction whose type the card does not tell.
func (r *Run) NoType() Verdict {
	return r.Because(EndHere, r.Book.TypeSource, "there is no 9F27 and the issuer application data tell no cryptogram type")
}

// FollowType goes where the type leads.
func (r *Run) FollowType() Verdict {
	switch {
	case r.Kind == emv.ARQC:
		return r.RequireOnline(r.Book.Type, "the card asks for an online authorisation (ARQC)")
	case r.Kind == emv.TC && r.TTQ().Has(emv.TTQOnlineCryptogram):
		return r.RequireOnline(r.Book.Type, "the card approved (TC) although the reader asked for an online cryptogram")
	case r.Kind == emv.TC:
		r.Note(r.Book.Type, "the card approved offline (TC)")
	case r.Kind == emv.AAC:
		return r.Because(Decline, r.Book.Type, "the card declined (AAC)")
	default:
		return r.Because(Decline, r.Book.Type, "the card's cryptogram is of no known type")
	}
	return GoOn
}

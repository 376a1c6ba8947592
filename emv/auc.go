package emv

// AUC is the application usage control, tag 9F07 (EMV Book 3, Annex C2).
type AUC [2]byte

// AUCBit is one bit of the application usage control.
type AUCBit uint16

// Bits of the application usage control.
const (
	AUCDomesticCash          AUCBit = 0x0180
	AUCInternationalCash     AUCBit = 0x0140
	AUCDomesticGoods         AUCBit = 0x0120
	AUCInternationalGoods    AUCBit = 0x0110
	AUCDomesticServices      AUCBit = 0x0108
	AUCInternationalServices AUCBit = 0x0104
	AUCAtATM                 AUCBit = 0x0102
	AUCElsewhere             AUCBit = 0x0101 // at terminals other than ATMs
	AUCDomesticCashback      AUCBit = 0x0280
	AUCInternationalCashback AUCBit = 0x0240
)

// Has is true when the bit is set.
func (a AUC) Has(b AUCBit) bool { return hasBit(a[:], uint16(b)) }

// Set sets or clears the bit.
func (a *AUC) Set(b AUCBit, on bool) { setBit(a[:], uint16(b), on) }

// Usage is what a terminal wants an application for.
type Usage struct {
	Cash     bool // cash withdrawal: transaction type 01 or 17
	Cashback bool // a purchase with cashback
	Domestic bool // the issuer's country is the terminal's
	ATM      bool
}

// Allows is true when the application may be used so (EMV Book 3, 10.4.2).
// Terminals do not tell goods from services, so a purchase needs either bit.
func (a AUC) Allows(u Usage) bool {
	place := AUCElsewhere
	if u.ATM {
		place = AUCAtATM
	}
	if !a.Has(place) {
		return false
	}
	if u.Cash {
		return a.either(u.Domestic, AUCDomesticCash, AUCInternationalCash)
	}
	purchase := a.either(u.Domestic, AUCDomesticGoods, AUCInternationalGoods) ||
		a.either(u.Domestic, AUCDomesticServices, AUCInternationalServices)
	if u.Cashback {
		return purchase && a.either(u.Domestic, AUCDomesticCashback, AUCInternationalCashback)
	}
	return purchase
}

func (a AUC) either(domestic bool, home, abroad AUCBit) bool {
	if domestic {
		return a.Has(home)
	}
	return a.Has(abroad)
}

package c2

import (
	"time"

	"tapsim/emv"
)

// Tags of this kernel's configuration data (EMV Book C-2, Annex A).
const (
	tagCardInput        emv.Tag = 0xDF8117 // card data input capability
	tagCVMRequired      emv.Tag = 0xDF8118 // CVM capability above the CVM limit
	tagNoCVMRequired    emv.Tag = 0xDF8119 // CVM capability up to it
	tagDefaultUDOL      emv.Tag = 0xDF811A
	tagKernelConfig     emv.Tag = 0xDF811B
	tagTornLifetime     emv.Tag = 0xDF811C // seconds
	tagTornRecords      emv.Tag = 0xDF811D
	tagMagCVMRequired   emv.Tag = 0xDF811E
	tagSecurity         emv.Tag = 0xDF811F
	tagTACDefault       emv.Tag = 0xDF8120
	tagTACDenial        emv.Tag = 0xDF8121
	tagTACOnline        emv.Tag = 0xDF8122
	tagFloorLimit       emv.Tag = 0xDF8123
	tagLimit            emv.Tag = 0xDF8124 // transaction limit without on-device CVM
	tagLimitOnDevice    emv.Tag = 0xDF8125 // transaction limit with on-device CVM
	tagCVMLimit         emv.Tag = 0xDF8126
	tagTimeout          emv.Tag = 0xDF8127 // milliseconds
	tagMagNoCVMRequired emv.Tag = 0xDF812C
	tagMessageHold      emv.Tag = 0xDF812D // 100 ms, n 6
	tagHoldTime         emv.Tag = 0xDF8130 // 100 ms
	tagPhoneMessages    emv.Tag = 0xDF8131
	tagRelayMinGrace    emv.Tag = 0xDF8132 // all times of relay resistance in 100 µs
	tagRelayMaxGrace    emv.Tag = 0xDF8133
	tagRelayCommand     emv.Tag = 0xDF8134
	tagRelayResponse    emv.Tag = 0xDF8135
	tagRelayAccuracy    emv.Tag = 0xDF8136
	tagRelayMismatch    emv.Tag = 0xDF8137 // per cent
	tagBalanceBefore    emv.Tag = 0xDF8104
	tagBalanceAfter     emv.Tag = 0xDF8105
	tagRiskManagement   emv.Tag = 0x9F1D
	tagAdditional       emv.Tag = 0x9F40
	tagCategory         emv.Tag = 0x9F53
	tagMagVersion       emv.Tag = 0x9F6D
)

// Bits of the kernel configuration, DF811B.
const (
	noMagStripe     = 0x80
	noEMVMode       = 0x40
	onDeviceCVM     = 0x20
	relayResistance = 0x10
)

// cdcvmWithoutCDA is byte 3 bit 6 of 9F1D: the terminal takes a verification on
// the device from a card that cannot do CDA.
const cdcvmWithoutCDA = 0x20

// settings are the configuration data that the kernel itself reads.
type settings struct {
	input, cvmRequired, noCVM, security byte
	magRequired, magNoCVM               byte
	kernel                              byte
	tacDefault, tacDenial, tacOnline    actionCode
	floor, limit, limitOnDevice, cvm    int64
	relay                               relaySettings
	tornLifetime, timeout, messageHold  uint64
	tornRecords, fieldOff               byte
	udol, phone                         []byte
	terminalType                        emv.TerminalType
	additional                          emv.AdditionalCapabilities
	country, version                    [2]byte
	withoutCDA                          bool // 9F1D: CDCVM without CDA
	balanceBefore, balanceAfter         bool
}

// relaySettings are the terminal's values for relay resistance, in 100 µs.
type relaySettings struct {
	minGrace, maxGrace, command, response, accuracy uint64
	mismatch                                        uint64 // per cent
}

// defaults are the values of configuration data that are absent (EMV Book C-2,
// Annex A; the phone message table is its Table 4.4). The limits are zero.
var defaults = settings{
	magRequired: 0xF0, magNoCVM: 0xF0,
	tacDefault: actionCode{0x84, 0, 0, 0, 0x0C}, tacDenial: actionCode{0x84, 0, 0, 0, 0x0C}, tacOnline: actionCode{0x84, 0, 0, 0, 0x0C},
	relay:        relaySettings{minGrace: 0x14, maxGrace: 0x32, command: 0x12, response: 0x18, accuracy: 0x12C, mismatch: 0x32},
	tornLifetime: 300, timeout: 500, messageHold: 13, fieldOff: 13,
	udol: []byte{0x9F, 0x6A, 0x04}, phone: DefaultPhoneMessages, version: [2]byte{0x00, 0x02},
}

// reachAll is for an amount in another currency than the limits are in: each
// counts as reached, but a transaction limit that no amount exceeds is none.
func (s *settings) reachAll() {
	s.floor, s.cvm = 0, 0
	for _, l := range []*int64{&s.limit, &s.limitOnDevice} {
		if *l < emv.MaxAmount {
			*l = 0
		}
	}
}

// load reads the configuration; the first object of a tag counts. It returns
// the tag whose value cannot be, 0 when all can.
func (s *settings) load(data emv.List) (bad emv.Tag) {
	*s = defaults
	for i := len(data) - 1; i >= 0; i-- {
		if ok := s.one(data[i].Tag, data[i].Value); !ok {
			return data[i].Tag
		}
	}
	return 0
}

// one keeps one object; tags that the kernel does not read are true.
func (s *settings) one(tag emv.Tag, v []byte) bool {
	switch tag {
	case tagDefaultUDOL:
		s.udol = v
	case tagPhoneMessages:
		s.phone = v
		return validPhoneMessages(v)
	case tagBalanceBefore:
		s.balanceBefore = true
	case tagBalanceAfter:
		s.balanceAfter = true
	case tagRiskManagement:
		s.withoutCDA = len(v) > 2 && v[2]&cdcvmWithoutCDA != 0
	case emv.TagTerminalCountry:
		return copied(s.country[:], v)
	case emv.TagTerminalVersion:
		return copied(s.version[:], v)
	case tagAdditional:
		return copied(s.additional[:], v)
	case tagTACDefault:
		return copied(s.tacDefault[:], v)
	case tagTACDenial:
		return copied(s.tacDenial[:], v)
	case tagTACOnline:
		return copied(s.tacOnline[:], v)
	default:
		return s.oneByte(tag, v) && s.number(tag, v)
	}
	return true
}

func (s *settings) oneByte(tag emv.Tag, v []byte) bool {
	var into *byte
	switch tag {
	case tagCardInput:
		into = &s.input
	case tagCVMRequired:
		into = &s.cvmRequired
	case tagNoCVMRequired:
		into = &s.noCVM
	case tagSecurity:
		into = &s.security
	case tagMagCVMRequired:
		into = &s.magRequired
	case tagMagNoCVMRequired:
		into = &s.magNoCVM
	case tagKernelConfig:
		into = &s.kernel
	case tagTornRecords:
		into = &s.tornRecords
	case tagHoldTime:
		into = &s.fieldOff
	case emv.TagTerminalType:
		into = (*byte)(&s.terminalType)
	default:
		return true
	}
	if len(v) != 1 {
		return false
	}
	*into = v[0]
	return true
}

// number reads limits (n 12), the message hold time (n 6) and binary times.
func (s *settings) number(tag emv.Tag, v []byte) bool {
	switch tag {
	case tagFloorLimit:
		return amount(&s.floor, v)
	case tagLimit:
		return amount(&s.limit, v)
	case tagLimitOnDevice:
		return amount(&s.limitOnDevice, v)
	case tagCVMLimit:
		return amount(&s.cvm, v)
	case tagMessageHold:
		n, err := emv.BCD(v)
		s.messageHold = n
		return err == nil && len(v) == 3
	case tagTornLifetime:
		return bigEndian(&s.tornLifetime, v, 2)
	case tagTimeout:
		return bigEndian(&s.timeout, v, 2)
	case tagRelayMinGrace:
		return bigEndian(&s.relay.minGrace, v, 2)
	case tagRelayMaxGrace:
		return bigEndian(&s.relay.maxGrace, v, 2)
	case tagRelayCommand:
		return bigEndian(&s.relay.command, v, 2)
	case tagRelayResponse:
		return bigEndian(&s.relay.response, v, 2)
	case tagRelayAccuracy:
		return bigEndian(&s.relay.accuracy, v, 2)
	case tagRelayMismatch:
		return bigEndian(&s.relay.mismatch, v, 1)
	}
	return true
}

func copied(into, v []byte) bool { return copy(into, v) == len(into) && len(v) == len(into) }

func amount(into *int64, v []byte) bool {
	n, err := emv.BCD(v)
	*into = int64(n)
	return err == nil && len(v) == 6
}

func bigEndian(into *uint64, v []byte, length int) bool {
	*into = 0
	for _, b := range v {
		*into = *into<<8 | uint64(b)
	}
	return len(v) == length
}

// tenths is a number of 100 ms.
func tenths(n uint64) time.Duration { return time.Duration(n) * 100 * time.Millisecond }

package transcript

import (
	"fmt"
	"strings"

	"tapsim/apdu"
	"tapsim/emv"
)

// Instruction bytes (ISO/IEC 7816-4; EMV Book 3, 6.5; kernel 2 commands from
// EMV Book C-2).
const (
	insVerify               = 0x20
	insPINChange            = 0x24
	insChecksum             = 0x2A
	insExternalAuthenticate = 0x82
	insGetChallenge         = 0x84
	insInternalAuthenticate = 0x88
	insSelect               = 0xA4
	insGPO                  = 0xA8
	insGenerateAC           = 0xAE
	insReadRecord           = 0xB2
	insGetResponse          = 0xC0
	insGetData              = 0xCA
	insRecoverAC            = 0xD0
	insPutData              = 0xDA
	insRelayResistance      = 0xEA
)

// commandNames names commands by class, without its channel and secure
// messaging bits, and instruction.
var commandNames = map[[2]byte]string{
	{0x00, 0x0E}:                    "ERASE BINARY",
	{0x00, insVerify}:               "VERIFY",
	{0x00, 0x70}:                    "MANAGE CHANNEL",
	{0x00, insExternalAuthenticate}: "EXTERNAL AUTHENTICATE",
	{0x00, insGetChallenge}:         "GET CHALLENGE",
	{0x00, insInternalAuthenticate}: "INTERNAL AUTHENTICATE",
	{0x00, insSelect}:               "SELECT",
	{0x00, 0xB0}:                    "READ BINARY",
	{0x00, insReadRecord}:           "READ RECORD",
	{0x00, insGetResponse}:          "GET RESPONSE",
	{0x00, insGetData}:              "GET DATA",
	{0x00, 0xD6}:                    "UPDATE BINARY",
	{0x00, insPutData}:              "PUT DATA",
	{0x00, 0xDC}:                    "UPDATE RECORD",
	{0x80, 0x16}:                    "CARD BLOCK",
	{0x80, 0x18}:                    "APPLICATION UNBLOCK",
	{0x80, 0x1A}:                    "SEND POI INFORMATION",
	{0x80, 0x1E}:                    "APPLICATION BLOCK",
	{0x80, insPINChange}:            "PIN CHANGE/UNBLOCK",
	{0x80, insChecksum}:             "COMPUTE CRYPTOGRAPHIC CHECKSUM",
	{0x80, insGPO}:                  "GET PROCESSING OPTIONS",
	{0x80, insGenerateAC}:           "GENERATE AC",
	{0x80, insGetData}:              "GET DATA",
	{0x80, insRecoverAC}:            "RECOVER AC",
	{0x80, insPutData}:              "PUT DATA",
	{0x80, insRelayResistance}:      "EXCHANGE RELAY RESISTANCE DATA",
}

// readerNames names the commands of class FF, which a PC/SC reader answers by
// itself (PC/SC part 3).
var readerNames = map[byte]string{
	0x00: "reader: escape command",
	0x82: "reader: load keys",
	0x86: "reader: general authenticate",
	0xB0: "reader: read binary",
	0xC2: "reader: transparent exchange",
	0xCA: "reader: get data of the card",
	0xD6: "reader: update binary",
}

// kind is the command that c is, class and instruction; known is false for
// commands that this package has no name for.
func kind(c apdu.Command) (k [2]byte, known bool) {
	k = [2]byte{c.CLA, c.INS}
	if c.CLA == 0xFF {
		_, known = readerNames[c.INS]
		return k, known
	}
	if c.CLA&0xF0 == 0x00 || c.CLA&0xF0 == 0x80 {
		k[0] &= 0xF0
	}
	_, known = commandNames[k]
	return k, known
}

// commandName names a command with what it asks for.
func commandName(c apdu.Command) string {
	k, known := kind(c)
	switch {
	case c.CLA == 0xFF && known:
		return readerName(c)
	case !known:
		return fmt.Sprintf("unknown command %02X%02X", c.CLA, c.INS)
	}
	name := commandNames[k]
	switch k {
	case [2]byte{0x00, insSelect}:
		if len(c.Data) > 0 {
			name += " " + fileName(c.Data)
		}
		if c.P2 == 0x02 {
			name += ", next occurrence"
		}
	case [2]byte{0x00, insReadRecord}:
		return fmt.Sprintf("%s SFI %d record %d", name, c.P2>>3, c.P1)
	case [2]byte{0x80, insGenerateAC}:
		return name + " " + cryptogramAsked(c.P1)
	case [2]byte{0x80, insGetData}, [2]byte{0x00, insGetData}, [2]byte{0x80, insPutData}, [2]byte{0x00, insPutData}:
		return name + " " + dataTag(c).String()
	case [2]byte{0x00, insVerify}:
		return strings.TrimSpace(name + " " + verifyText(c.P2))
	}
	return name
}

func readerName(c apdu.Command) string {
	if c.INS == insGetData && c.P1 == 0 {
		return "reader: get UID"
	}
	if c.INS == insGetData && c.P1 == 1 {
		return "reader: get historical bytes"
	}
	return readerNames[c.INS]
}

// fileName is a DF name for people: text where it is text, else hex.
func fileName(name []byte) string {
	for _, c := range name {
		if c < 0x20 || c > 0x7E {
			return hexOf(name)
		}
	}
	return string(name)
}

// cryptogramAsked reads P1 of GENERATE AC (EMV Book 3, 6.5.5).
func cryptogramAsked(p1 byte) string {
	s := emv.CryptogramTypeOf(p1).String()
	if p1&0x10 != 0 {
		s += " with CDA"
	}
	return s
}

// dataTag is the tag in P1-P2 of GET DATA and PUT DATA.
func dataTag(c apdu.Command) emv.Tag {
	if c.P1 == 0 {
		return emv.Tag(c.P2)
	}
	return emv.Tag(c.P1)<<8 | emv.Tag(c.P2)
}

// classText describes the class byte (ISO/IEC 7816-4, 5.4.1).
func classText(cla byte) string {
	switch {
	case cla == 0xFF:
		return "for the reader, not the card"
	case cla&0xF0 == 0x00 || cla&0xF0 == 0x80:
		s := "standard"
		if cla&0x80 != 0 {
			s = "proprietary"
		}
		if cla&0x0C != 0 {
			s += ", secure messaging"
		}
		if ch := cla & 0x03; ch != 0 {
			s += fmt.Sprintf(", channel %d", ch)
		}
		return s
	case cla >= 0x80:
		return "proprietary"
	default:
		return "standard, further channels or reserved"
	}
}

// parameterTexts describes P1 and P2.
func parameterTexts(c apdu.Command) (p1, p2 string) {
	k, _ := kind(c)
	switch k {
	case [2]byte{0x00, insSelect}:
		return selectTexts(c)
	case [2]byte{0x00, insReadRecord}:
		return fmt.Sprintf("record %d", c.P1), fmt.Sprintf("SFI %d, record by number", c.P2>>3)
	case [2]byte{0x80, insGenerateAC}:
		return cryptogramAsked(c.P1), ""
	case [2]byte{0x80, insGetData}, [2]byte{0x00, insGetData}, [2]byte{0x80, insPutData}, [2]byte{0x00, insPutData}:
		return "tag " + dataTag(c).String(), ""
	case [2]byte{0x00, insVerify}:
		return "", verifyText(c.P2)
	}
	return "", ""
}

// verifyText reads P2 of VERIFY (EMV Book 3, 6.5.12).
func verifyText(p2 byte) string {
	switch p2 {
	case 0x80:
		return "plaintext PIN"
	case 0x88:
		return "enciphered PIN"
	}
	return ""
}

// selectTexts describes P1 and P2 of SELECT (EMV Book 1, 11.3).
func selectTexts(c apdu.Command) (p1, p2 string) {
	if c.P1 == 0x04 {
		p1 = "by name"
	}
	switch c.P2 {
	case 0x00:
		p2 = "first or only occurrence"
	case 0x02:
		p2 = "next occurrence"
	}
	return p1, p2
}

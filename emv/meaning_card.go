package emv

import (
	"fmt"
	"strings"
)

// cvmList tells amounts, rules and conditions of tag 8E.
func cvmList(v value, item *Item) bool {
	l, err := ParseCVMList(v.bytes)
	if err != nil {
		item.Text = "damaged: " + err.Error()
		return true
	}
	item.Text = count(len(l.Rules), "rule")
	for _, amount := range []struct {
		name  string
		minor uint32
	}{{"X", l.X}, {"Y", l.Y}} {
		if amount.minor != 0 {
			item.Details = append(item.Details, amount.name+" = "+v.applicationAmount(int64(amount.minor)))
		}
	}
	for _, r := range l.Rules {
		item.Details = append(item.Details, fmt.Sprintf("%02X%02X %s", r.Code, byte(r.Condition), r))
	}
	return true
}

// applicationAmount writes minor units of the application currency, which need
// not be the transaction's.
func (v value) applicationAmount(minor int64) string {
	if b, found := v.scope.find(TagApplicationCurrency); found && len(b) == 2 {
		n, err := BCD(b)
		if c, known := CurrencyByNumeric(uint16(n)); err == nil && known {
			return c.Format(minor) + " " + c.Alpha
		}
	}
	return fmt.Sprintf("%d in minor units of the application currency", minor)
}

func cvmResults(v value, item *Item) bool {
	if len(v.bytes) != 3 {
		return false
	}
	r := CVMResults(v.bytes)
	item.Text = r.String()
	if r == onDeviceCVM && v.scope.ctx.isKernel(2, SchemeMastercard) {
		item.Text = "verified on the consumer's device, always: successful"
	}
	return true
}

// onDeviceCVM is how kernel 2 writes that the consumer's device has verified:
// the method that is a plaintext PIN everywhere else (EMV Book C-2).
var onDeviceCVM = CVMResults{0x01, 0x00, CVMSuccessful}

// mobileCVMResults is tag 9F71 of kernel 4: 01 or 3F, condition, result.
func mobileCVMResults(v value, item *Item) bool {
	if len(v.bytes) != 3 {
		return false
	}
	method := map[byte]string{0x01: "mobile CVM performed", 0x3F: "no CVM performed"}[v.bytes[0]]
	if method == "" {
		method = fmt.Sprintf("method %02X", v.bytes[0])
	}
	condition := fmt.Sprintf("condition %02X", v.bytes[1])
	switch v.bytes[1] {
	case 0x00:
		condition = "mobile CVM not required"
	case 0x03:
		condition = "terminal required CVM"
	}
	result := map[byte]string{0: "result unknown", 1: "failed", 2: "successful", 3: "blocked"}[v.bytes[2]]
	if result == "" {
		result = fmt.Sprintf("result %02X", v.bytes[2])
	}
	item.Text = method + ", " + condition + ", " + result
	return true
}

// serviceCode is tag 5F30 and part of track 2 (ISO/IEC 7813).
func serviceCode(v value, item *Item) bool {
	n, err := BCD(v.bytes)
	if err != nil || len(v.bytes) != 2 || n > 999 {
		return false
	}
	where := map[uint64]string{1: "international", 2: "international, chip preferred", 5: "national", 6: "national, chip preferred", 7: "private", 9: "test"}
	decision := map[uint64]string{0: "normal authorisation", 2: "online authorisation", 4: "online authorisation unless agreed otherwise"}
	service := map[uint64]string{
		0: "no restrictions, PIN required", 1: "no restrictions", 2: "goods and services only", 3: "ATM only, PIN required", 4: "cash only",
		5: "goods and services only, PIN required", 6: "no restrictions, PIN where possible", 7: "goods and services only, PIN where possible",
	}
	parts := []string{fmt.Sprintf("%03d", n)}
	for _, p := range []string{where[n/100], decision[n/10%10], service[n%10]} {
		if p == "" {
			p = "reserved"
		}
		parts = append(parts, p)
	}
	item.Text = strings.Join(parts, ", ")
	return true
}

// programIdentifier is tag 9F5A of kernel 3: programme type, currency,
// country; phones and test cards also put other data here.
func programIdentifier(v value, item *Item) bool {
	if len(v.bytes) != 5 {
		return false
	}
	currency, err1 := BCD(v.bytes[1:3])
	country, err2 := BCD(v.bytes[3:5])
	if err1 != nil || err2 != nil {
		return false
	}
	item.Text = fmt.Sprintf("programme type %02X", v.bytes[0])
	item.Details = []string{"currency " + currencyText(uint16(currency)), "country " + countryText(uint16(country))}
	return true
}

// thirdPartyData is tag 9F6E of kernel 2: country, unique identifier, device
// type when the identifier has its first bit clear, then proprietary data.
func thirdPartyData(v value, item *Item) bool {
	b := v.bytes
	if len(b) < 5 {
		return false
	}
	country, err := BCD(b[:2])
	if err != nil {
		return false
	}
	item.Details = []string{
		"country " + countryText(uint16(country)),
		fmt.Sprintf("unique identifier %02X%02X", b[2], b[3]),
	}
	rest := b[4:]
	if b[2]&0x80 == 0 && len(rest) >= 2 {
		device := fmt.Sprintf("device type %02X%02X", rest[0], rest[1])
		if name, known := deviceTypes[string(rest[:2])]; known {
			device += ", " + name
		}
		item.Details = append(item.Details, device)
		rest = rest[2:]
	}
	if len(rest) > 0 {
		item.Details = append(item.Details, "proprietary data "+upperHex(rest))
	}
	return true
}

// deviceTypes are the device types of third party data that card traces and
// public tables agree on.
var deviceTypes = map[string]string{"00": "card", "01": "phone or smartphone, operator's secure element", "02": "key fob", "03": "watch",
	"04": "mobile tag", "05": "wristband", "06": "phone case or sleeve", "07": "phone, fixed secure element", "14": "phone, cloud based"}

// registeredItems is tag 9F0A: pieces of data registered with EMVCo.
func registeredItems(v value, item *Item) bool {
	pieces, whole := registeredData(v.bytes)
	for _, p := range pieces {
		line := fmt.Sprintf("%04X %s: %s", p.id, registeredNames[p.id], upperHex(p.value))
		if (p.id == 0x0001 || p.id == 0x0003) && len(p.value) > 0 {
			line += ", " + productTypes[p.value[0]]
		}
		item.Details = append(item.Details, strings.TrimSuffix(line, ", "))
	}
	if !whole {
		item.Text = "damaged: the last piece is cut off"
	}
	return true
}

var registeredNames = map[uint16]string{
	0x0001: "European Cards Stakeholders Group, product type", 0x0003: "Technical Cooperation ep2 Association, product type", 0x0005: "UGSI",
}

var productTypes = map[byte]string{1: "debit", 2: "credit", 3: "commercial", 4: "prepaid"}

// pointOfInteraction is tag 8B: what the terminal tells the card about itself.
func pointOfInteraction(v value, item *Item) bool {
	pieces, whole := registeredData(v.bytes)
	for _, p := range pieces {
		if p.id != 0x0001 {
			item.Details = append(item.Details, fmt.Sprintf("%04X: %s", p.id, upperHex(p.value)))
			continue
		}
		item.Details = append(item.Details, "terminal categories "+strings.Join(categories(p.value), ", "))
	}
	if !whole {
		item.Text = "damaged: the last piece is cut off"
	}
	return true
}

// terminalCategories is tag 9F3E: categories of two bytes each.
func terminalCategories(v value, item *Item) bool {
	item.Text = strings.Join(categories(v.bytes), ", ")
	return true
}

func categories(b []byte) []string {
	var names []string
	for i := 0; i+1 < len(b); i += 2 {
		switch code := uint16(b[i])<<8 | uint16(b[i+1]); code {
		case 0x0001:
			names = append(names, "transit gate")
		case 0x0002:
			names = append(names, "loyalty")
		default:
			names = append(names, fmt.Sprintf("%04X", code))
		}
	}
	if len(b)%2 != 0 {
		names = append(names, "half a category")
	}
	return names
}

// referenceCurrencies is tag 9F3B: up to four currency codes.
func referenceCurrencies(v value, item *Item) bool {
	for i := 0; i+1 < len(v.bytes); i += 2 {
		n, err := BCD(v.bytes[i : i+2])
		if err != nil {
			return false
		}
		item.Details = append(item.Details, currencyText(uint16(n)))
	}
	return len(v.bytes)%2 == 0
}

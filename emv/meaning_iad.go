package emv

import "fmt"

// Card verification results, in the dictionary's notation. Visa's and PBOC's
// first byte is the length.
const (
	cvrVisa013 = "2.8-7 second cryptogram 00 AAC,01 TC,10 not requested;2.6-5 first cryptogram 00 AAC,01 TC,10 ARQC;" +
		"2.4 issuer authentication failed;2.3 offline PIN verification performed;2.2 offline PIN verification failed;2.1 unable to go online;" +
		cvrVisaRest
	cvrVisa24 = "1.8-5 verifying entity 0 none,1 payment application,2 mobile gateway,3 application in the secure element," +
		"4 trusted execution environment,5 mobile application,6 terminal,7 cloud,8 device operating system;" +
		"1.4-1 verification 0 none,1 passcode,2 finger,3 pattern,4 face,5 iris,6 voice,7 palm,D signature,E online PIN;" +
		"2.8-7 second cryptogram 00 AAC,01 TC,10 not requested;2.6-5 first cryptogram 00 AAC,01 TC,10 ARQC;" +
		"2.4 issuer authentication failed;2.3 consumer device CVM performed;2.2 offline PIN verification failed;2.1 unable to go online;" +
		cvrVisaRest + ";5.8 not in debug mode;5.7 not rooted;5.6 not hooked;5.5 application integrity verified;5.4 network connectivity;" +
		"5.3 genuine device;5.2 consumer device CVM performed;5.1 EMV session key for scripts"
	cvrVisaRest = "3.8 last online transaction not completed;3.7 PIN try limit exceeded;3.6 velocity limits exceeded;3.5 new card;" +
		"3.4 issuer authentication failed on last online transaction;3.3 issuer authentication not performed;" +
		"3.2 application blocked;3.1 SDA failed on last transaction;4.8-5 script commands processed;4.4 script failed;" +
		"4.3 DDA failed on last transaction;4.2 DDA performed;4.1 PIN verification command not received"
	cvrMChip = "1.8-7 second cryptogram 00 AAC,01 TC,10 not requested;1.6-5 first cryptogram 00 AAC,01 TC,10 ARQC;1.4 date check failed;" +
		"1.3 offline PIN verification performed;1.2 offline PIN was enciphered;1.1 offline PIN verification successful;" +
		"2.8 DDA returned;2.7 CDA in first GENERATE AC;2.6 CDA in second GENERATE AC;2.5 issuer authentication performed;" +
		"2.4 CIAC default skipped on offline-only terminal;2.3 offline PIN changed;2.2 issuer discretionary;2.1 issuer discretionary;" +
		"3.8-5 script counter;3.4-1 PIN try counter;4.8 last online transaction not completed;4.7 unable to go online;" +
		"4.6 offline PIN verification not performed;4.5 offline PIN verification failed;4.4 PIN try limit exceeded;" +
		"4.3 international transaction;4.2 domestic transaction;4.1 terminal wrongly takes offline PIN for correct;" +
		"5.8 lower consecutive limit 1 exceeded;5.7 upper consecutive limit 1 exceeded;5.6 lower cumulative limit 1 exceeded;" +
		"5.5 upper cumulative limit 1 exceeded;5.4 go online on next transaction was set;5.3 issuer authentication failed;" +
		"5.2 script received;5.1 script failed;6.8 lower consecutive limit 2 exceeded;6.7 upper consecutive limit 2 exceeded;" +
		"6.6 lower cumulative limit 2 exceeded;6.5 upper cumulative limit 2 exceeded;6.4 maximum transaction amount exceeded;" +
		"6.3 number of days offline exceeded;6.2 match in additional check table;6.1 no match in additional check table"
	cvrCCD = "1.8-7 second cryptogram 00 AAC,01 TC,10 not requested;1.6-5 first cryptogram 00 AAC,01 TC,10 ARQC;1.4 CDA performed;" +
		"1.3 DDA performed;1.2 issuer authentication not performed;1.1 issuer authentication failed;2.8-5 PIN try counter;" +
		"2.4 offline PIN verification performed;2.3 offline PIN verification performed and failed;2.2 PIN try limit exceeded;" +
		"2.1 last online transaction not completed;3.8 lower offline count limit exceeded;3.7 upper offline count limit exceeded;" +
		"3.6 lower cumulative amount limit exceeded;3.5 upper cumulative amount limit exceeded;3.4-1 issuer discretionary;" +
		"4.8-5 script commands processed;4.4 script failed;4.3 offline data authentication failed on previous transaction;" +
		"4.2 go online on next transaction was set;4.1 unable to go online"
)

var cvrLayouts = map[IADFormat]string{
	IADVisa013: cvrVisa013, IADPBOC: cvrVisa013, IADVisa24: cvrVisa24, IADMChip: cvrMChip, IADCCD: cvrCCD,
}

// issuerApplicationData takes tag 9F10 apart by scheme and shape.
func issuerApplicationData(v value, item *Item) bool {
	iad, err := ParseIAD(v.scope.ctx.Scheme, v.bytes)
	if err != nil {
		item.Text = err.Error()
		return true
	}
	ctx := v.scope.ctx
	item.Text = fmt.Sprintf("%s, cryptogram version %s, key index %02X", iad.layoutName(ctx), iad.versionName(ctx), iad.DKI)
	if iad.Format == IADCCD {
		item.Text = fmt.Sprintf("%s, common core identifier %02X, key index %02X", iad.Format, iad.CVN, iad.DKI)
	}
	add := func(format string, args ...any) { item.Details = append(item.Details, fmt.Sprintf(format, args...)) }
	if len(iad.CVR) > 0 {
		add("card verification results %s", upperHex(iad.CVR))
	}
	if iad.Format == IADJCB || iad.likeVisa(ctx) {
		t, _ := iad.CryptogramType()
		add("CVR byte 2: first cryptogram %s; the other bits are not public", t)
	} else if l, found := cvrLayouts[iad.Format]; found {
		for _, line := range parseLayout(l).describe(iad.CVR) {
			add("CVR %s", line)
		}
	}
	if iad.DACIDN != nil {
		add("data authentication code or ICC dynamic number %s", upperHex(iad.DACIDN))
	}
	if len(iad.Counters) > 0 {
		add("counters %s", upperHex(iad.Counters))
	}
	if iad.Format == IADPBOC {
		add("algorithm %02X, %s", iad.Algorithm, map[byte]string{1: "3DES", 4: "SM4"}[iad.Algorithm])
	}
	if iad.Format == IADVisa24 && iad.CVN == 0x43 {
		i := iad.IDD[5:9]
		add("limited-use key index %X%X: year digit %X, hour %02X%02X, counter %02X", i[0]&0xF, i[1:], i[0]&0xF, i[1], i[2], i[3])
	}
	if len(iad.IDD) > 0 {
		add("issuer discretionary data %s", upperHex(iad.IDD))
	}
	return true
}

// ofVisa is true for Visa's layouts, whosever data they hold.
func (i IAD) ofVisa() bool { return i.Format == IADVisa013 || i.Format == IADVisa24 }

// likeVisa is true when another scheme uses a layout of Visa's.
func (i IAD) likeVisa(ctx Context) bool {
	return i.ofVisa() && ctx.named() && !ctx.isKernel(3, SchemeVisa)
}

// layoutName tells the Visa formats apart by the high half of the cryptogram
// version number.
func (i IAD) layoutName(ctx Context) string {
	switch {
	case i.likeVisa(ctx) && ctx.Scheme == SchemeAmex:
		return "American Express"
	case i.likeVisa(ctx):
		return "laid out as Visa's"
	case i.ofVisa():
		return fmt.Sprintf("Visa format %d", i.CVN>>4)
	}
	return i.Format.String()
}

// versionName says that the cryptogram version number is hex, since the oldest
// Visa versions are known by their decimal numbers and all others are not.
func (i IAD) versionName(ctx Context) string {
	name := fmt.Sprintf("%02X hex", i.CVN)
	if i.ofVisa() && !i.likeVisa(ctx) && (i.CVN == 0x0A || i.CVN == 0x11 || i.CVN == 0x12) {
		name += fmt.Sprintf(" (CVN %d)", i.CVN)
	}
	return name
}

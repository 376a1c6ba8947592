package iso8583

// member is the place of one field in Message: exactly one of the three, or
// none for a field without a name, which lives in Other.
type member struct {
	text   func(*Message) *string
	amount func(*Message) **int64
	data   func(*Message) *[]byte
}

func text(f func(*Message) *string) member   { return member{text: f} }
func amount(f func(*Message) **int64) member { return member{amount: f} }
func data(f func(*Message) *[]byte) member   { return member{data: f} }

// members says where each field stands in Message. The MAC is 64 or 128, see
// Message.macField.
var members = [129]member{
	2:   text(func(m *Message) *string { return &m.PAN }),
	3:   text(func(m *Message) *string { return &m.ProcessingCode }),
	4:   amount(func(m *Message) **int64 { return &m.Amount }),
	6:   amount(func(m *Message) **int64 { return &m.BillingAmount }),
	7:   text(func(m *Message) *string { return &m.TransmissionTime }),
	10:  text(func(m *Message) *string { return &m.BillingRate }),
	11:  text(func(m *Message) *string { return &m.STAN }),
	12:  text(func(m *Message) *string { return &m.LocalTime }),
	13:  text(func(m *Message) *string { return &m.LocalDate }),
	14:  text(func(m *Message) *string { return &m.Expiry }),
	15:  text(func(m *Message) *string { return &m.SettlementDate }),
	18:  text(func(m *Message) *string { return &m.MerchantCategory }),
	19:  text(func(m *Message) *string { return &m.AcquirerCountry }),
	22:  text(func(m *Message) *string { return &m.EntryMode }),
	23:  text(func(m *Message) *string { return &m.PANSequence }),
	24:  text(func(m *Message) *string { return &m.NetworkID }),
	25:  text(func(m *Message) *string { return &m.ConditionCode }),
	26:  text(func(m *Message) *string { return &m.PINCapture }),
	32:  text(func(m *Message) *string { return &m.AcquirerID }),
	33:  text(func(m *Message) *string { return &m.ForwardingID }),
	35:  text(func(m *Message) *string { return &m.Track2 }),
	37:  text(func(m *Message) *string { return &m.RRN }),
	38:  text(func(m *Message) *string { return &m.AuthorisationCode }),
	39:  text(func(m *Message) *string { return &m.ResponseCode }),
	41:  text(func(m *Message) *string { return &m.TerminalID }),
	42:  text(func(m *Message) *string { return &m.MerchantID }),
	43:  text(func(m *Message) *string { return &m.MerchantName }),
	44:  text(func(m *Message) *string { return &m.AdditionalResponse }),
	48:  text(func(m *Message) *string { return &m.PrivateData }),
	49:  text(func(m *Message) *string { return &m.Currency }),
	51:  text(func(m *Message) *string { return &m.BillingCurrency }),
	52:  data(func(m *Message) *[]byte { return &m.PINBlock }),
	53:  text(func(m *Message) *string { return &m.SecurityControl }),
	54:  text(func(m *Message) *string { return &m.AdditionalAmounts }),
	55:  data(func(m *Message) *[]byte { return &m.ICCData }),
	60:  text(func(m *Message) *string { return &m.Reserved60 }),
	61:  text(func(m *Message) *string { return &m.Reserved61 }),
	62:  text(func(m *Message) *string { return &m.Reserved62 }),
	63:  text(func(m *Message) *string { return &m.Reserved63 }),
	70:  text(func(m *Message) *string { return &m.NetworkCode }),
	90:  text(func(m *Message) *string { return &m.OriginalData }),
	95:  text(func(m *Message) *string { return &m.ReplacementAmounts }),
	102: text(func(m *Message) *string { return &m.Account1 }),
	103: text(func(m *Message) *string { return &m.Account2 }),
}

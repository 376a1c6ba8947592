package qr

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tapsim/emv"
)

// merchantParser fills a Merchant object by object.
type merchantParser struct {
	m       Merchant
	amounts map[ID]node // 54 to 57, which need the currency and each other
}

// check holds an object against its rule.
func (f field) check(n node) error {
	characters := utf8.RuneCountInString(n.value)
	if characters < f.low || characters > f.top {
		return n.fail("", "%s of %d characters, want %s", strings.ToLower(f.name), characters, between(f.low, f.top))
	}
	for _, r := range n.value {
		if !f.set.has(r) {
			return n.fail(f.set.hint(), "%s has a character that it may not have", strings.ToLower(f.name))
		}
	}
	return nil
}

func between(low, top int) string {
	if low == top {
		return strconv.Itoa(low)
	}
	return strconv.Itoa(low) + " to " + strconv.Itoa(top)
}

func (c charset) hint() string {
	if c == numeric {
		return "only digits"
	}
	return "only printable ASCII; names in other alphabets stand in ID 64"
}

// object reads one object of the first level.
func (p *merchantParser) object(n node) (err error) {
	if err := rootField(n.id).check(n); err != nil {
		return err
	}
	m := &p.m
	switch id := n.id; {
	case id == idInitiation:
		m.Initiation, err = parseInitiation(n)
	case id >= firstAccount && id < firstTemplate:
		m.Accounts = append(m.Accounts, Template{ID: id, Value: Value(n.value)})
	case id >= firstTemplate && id <= lastAccount:
		m.Accounts, err = appendTemplate(m.Accounts, n)
	case id >= idAmount && id <= idPercentFee:
		p.amounts[id] = n
	case id >= firstReserved && id <= lastReserved:
		m.Reserved = append(m.Reserved, Object{id, Value(n.value)})
	case id > lastReserved:
		m.Unreserved, err = appendTemplate(m.Unreserved, n)
	case id == idAdditional:
		m.Additional, err = parseAdditional(n)
	case id == idLanguage:
		m.Language, err = parseLanguage(n)
	default:
		err = p.text(n)
	}
	return err
}

// text reads the objects that are plain text.
func (p *merchantParser) text(n node) error {
	m := &p.m
	switch n.id {
	case idCategory:
		m.Category = n.value
	case idCurrency:
		code, _ := strconv.ParseUint(n.value, 10, 16)
		c, ok := emv.CurrencyByNumeric(uint16(code))
		if !ok {
			return n.fail("the numeric code of ISO 4217, such as 978", "%s is no currency", n.value)
		}
		m.Currency = c
	case idCountry:
		if _, ok := emv.CountryByAlpha(n.value); !ok {
			return n.fail("two capital letters of ISO 3166, such as DE", "%q is no country", n.value)
		}
		m.Country = n.value
	case idName:
		m.Name = n.value
	case idCity:
		m.City = n.value
	case idPostalCode:
		m.PostalCode = n.value
	}
	return nil
}

func parseInitiation(n node) (Initiation, error) {
	v, _ := strconv.Atoi(n.value)
	if i := Initiation(v); i == Static || i == Dynamic {
		return i, nil
	}
	return 0, n.fail("11 is static, 12 dynamic", "point of initiation method %s", n.value)
}

// finish reads what depends on several objects, and sorts the lists.
func (p *merchantParser) finish(nodes []node, end int) error {
	for _, id := range []ID{idCategory, idCurrency, idCountry, idName, idCity} {
		if !slices.ContainsFunc(nodes, func(n node) bool { return n.id == id }) {
			return missing(id, rootField(id), end)
		}
	}
	m := &p.m
	if len(m.Accounts) == 0 {
		return &Error{KindMerchant, end, "", "no merchant account", "one of the IDs 02 to 51 must be there"}
	}
	m.Accounts, m.Unreserved, m.Reserved = sortTemplates(m.Accounts), sortTemplates(m.Unreserved), sortObjects(m.Reserved)
	if n, ok := p.amounts[idAmount]; ok {
		amount, err := parseAmount(n, m.Currency)
		if err == nil && amount == 0 {
			err = n.fail("leave it out where the payer types the amount", "the amount is zero")
		}
		if err != nil {
			return err
		}
		m.Amount = &amount
	}
	return p.tip(end)
}

func missing(id ID, f field, end int) error {
	return &Error{KindMerchant, end, "ID " + id.String(), strings.ToLower(f.name) + " is missing", "it must be there"}
}

// parseAmount reads digits with at most one dot, which may stand at the end.
func parseAmount(n node, c emv.Currency) (int64, error) {
	text := n.value
	if strings.Count(text, ".") == 1 {
		text = strings.TrimSuffix(text, ".")
	}
	v, err := c.Parse(text)
	if err != nil {
		return 0, n.fail("digits and a dot, such as "+c.Format(1250)+", with no more decimals than the currency has",
			"no amount in %s", c.Alpha)
	}
	return v, nil
}

// appendTemplate reads a template with a globally unique identifier.
func appendTemplate(list []Template, n node) ([]Template, error) {
	nodes, err := split(n.value, n.start(), n.path+"-")
	if err != nil {
		return nil, err
	}
	t := Template{ID: n.id}
	for _, o := range nodes {
		if err := templateFieldOf(o.id).check(o); err != nil {
			return nil, err
		}
		if o.id == idGUID {
			t.GUID = o.value
			continue
		}
		t.Objects = append(t.Objects, Object{o.id, Value(o.value)})
	}
	if t.GUID == "" {
		return nil, n.fail("object 00 says whose template it is", "no globally unique identifier inside")
	}
	t.Objects = sortObjects(t.Objects)
	return append(list, t), nil
}

// labels are the places of the IDs 01 to 11.
func (a *Additional) labels() []*string {
	return []*string{&a.Bill, &a.Mobile, &a.Store, &a.Loyalty, &a.Reference, &a.Customer, &a.Terminal, &a.Purpose, &a.Ask, &a.TaxID, &a.Channel}
}

func parseAdditional(n node) (a Additional, err error) {
	nodes, err := split(n.value, n.start(), n.path+"-")
	if err != nil {
		return a, err
	}
	labels := a.labels()
	for _, o := range nodes {
		if err := additionalField(o.id).check(o); err != nil {
			return a, err
		}
		switch {
		case o.id == 0:
			return a, o.fail("its objects begin with 01", "ID 00 in the additional data")
		case int(o.id) <= len(labels):
			*labels[o.id-1] = o.value
		case o.id < firstSystemObject:
			a.Reserved = append(a.Reserved, Object{o.id, Value(o.value)})
		default:
			if a.Templates, err = appendTemplate(a.Templates, o); err != nil {
				return a, err
			}
		}
		if o.id == idAsk && !isAsk(o.value) {
			return a, o.fail("A asks for the address, M for the mobile number, E for the e-mail address, each once", "letters other than A, M, E")
		}
	}
	a.Templates, a.Reserved = sortTemplates(a.Templates), sortObjects(a.Reserved)
	return a, nil
}

func isAsk(s string) bool {
	for i, r := range s {
		if !strings.ContainsRune("AME", r) || strings.ContainsRune(s[:i], r) {
			return false
		}
	}
	return true
}

func parseLanguage(n node) (l Language, err error) {
	nodes, err := split(n.value, n.start(), n.path+"-")
	if err != nil {
		return l, err
	}
	for _, o := range nodes {
		if err := languageField(o.id).check(o); err != nil {
			return l, err
		}
		switch o.id {
		case 0:
			l.Code = o.value
		case 1:
			l.Name = o.value
		case 2:
			l.City = o.value
		default:
			l.Reserved = append(l.Reserved, Object{o.id, Value(o.value)})
		}
	}
	switch {
	case l.Code == "" || strings.Trim(l.Code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "":
		return l, n.fail("object 00 has the two letters of the language", "the language is missing")
	case l.Name == "":
		return l, n.fail("object 01 has it", "the merchant's name is missing")
	}
	l.Reserved = sortObjects(l.Reserved)
	return l, nil
}

func sortObjects(list []Object) []Object {
	slices.SortFunc(list, func(a, b Object) int { return int(a.ID) - int(b.ID) })
	return list
}

func sortTemplates(list []Template) []Template {
	slices.SortFunc(list, func(a, b Template) int { return int(a.ID) - int(b.ID) })
	return list
}

package emv

import (
	"fmt"
	"time"
)

// Date is a day of the calendar, without time zone.
type Date struct {
	Year, Month, Day int
}

// ParseDate reads a date of format n 6, YYMMDD. Years 00 to 49 are of this
// century, 50 to 99 of the last (EMV Book 4). Days that the calendar
// does not have are an error.
func ParseDate(b []byte) (Date, error) {
	if len(b) != 3 {
		return Date{}, fmt.Errorf("date of %s, want 3: YYMMDD", count(len(b), "byte"))
	}
	v, err := BCD(b)
	if err != nil {
		return Date{}, fmt.Errorf("date: %w", err)
	}
	d := Date{Year: century(int(v / 10000)), Month: int(v / 100 % 100), Day: int(v % 100)}
	if !d.Valid() {
		return Date{}, fmt.Errorf("date %06d: the calendar has no such day", v)
	}
	return d, nil
}

// ParseExpiry reads an expiry of four digits, YYMM, as tracks and messages
// write it: the last day of that month.
func ParseExpiry(yymm string) (Date, error) {
	if len(yymm) != 4 || !digitsOnly(yymm) {
		return Date{}, fmt.Errorf("expiry of %d characters: want four digits, YYMM", len(yymm))
	}
	d := Date{Year: century(atoi(yymm[:2])), Month: atoi(yymm[2:])}
	if d.Month < 1 || d.Month > 12 {
		return Date{}, fmt.Errorf("expiry: month %02d does not exist", d.Month)
	}
	d.Day = daysIn(d.Year, d.Month)
	return d, nil
}

// DateOf is the day of a moment, in the moment's own time zone.
func DateOf(t time.Time) Date {
	return Date{t.Year(), int(t.Month()), t.Day()}
}

// Valid is true when the calendar has the day.
func (d Date) Valid() bool {
	return d.Month >= 1 && d.Month <= 12 && d.Day >= 1 && d.Day <= daysIn(d.Year, d.Month)
}

// Compare is negative when d is before e, 0 when both are the same day,
// positive when d is after e.
func (d Date) Compare(e Date) int { return d.number() - e.number() }

// Before is true when d is an earlier day than e. An application is expired
// when its expiration date is before the transaction date: it is good to the
// end of its last day (EMV Book 3, 10.4.3).
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// End is the moment when the day is over, in the given time zone.
func (d Date) End(zone *time.Location) time.Time {
	return time.Date(d.Year, time.Month(d.Month), d.Day+1, 0, 0, 0, 0, zone)
}

// Append appends the date as YYMMDD in three bytes. Years outside 1950 to 2049
// cannot be told apart when they are read back.
func (d Date) Append(dst []byte) []byte {
	return AppendBCD(dst, uint64(d.Year%100*10000+d.Month*100+d.Day), 3)
}

// String is the date as ISO 8601 writes it: 2049-12-31.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

func (d Date) number() int { return (d.Year*100+d.Month)*100 + d.Day }

func century(yy int) int {
	if yy < 50 {
		return 2000 + yy
	}
	return 1900 + yy
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

package iso8583

import "fmt"

// FieldError says which field of a message is wrong, where, and why: the text
// for people and the ground for response code 30. It never quotes the field's
// value.
type FieldError struct {
	Field  int    // 0 is the message type, 1 the bitmap
	Offset int    // byte of the message at which it went wrong; -1 if it is not on the wire
	Reason string // without the field's number and name
}

// Error names the field by number and name, then the reason.
func (e *FieldError) Error() string {
	where := ""
	if e.Offset >= 0 {
		where = fmt.Sprintf(" at byte %d", e.Offset)
	}
	return fmt.Sprintf("field %d (%s)%s: %s", e.Field, FieldName(e.Field), where, e.Reason)
}

// FieldName is what the standard calls a field; "unknown" for numbers that
// have no place in a message with two bitmaps.
func FieldName(number int) string {
	if number < 0 || number >= len(fields) || fields[number].name == "" {
		return "unknown"
	}
	return fields[number].name
}

// wrong is the error of a field that is not on the wire (yet).
func wrong(number int, format string, args ...any) *FieldError {
	return &FieldError{Field: number, Offset: -1, Reason: fmt.Sprintf(format, args...)}
}

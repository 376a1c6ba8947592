package iso8583

// Header is the kind of length header in front of a message on a connection.
type Header byte

// The kinds, by the names that the library gives them.
const (
	Binary2Bytes Header = iota // big endian
	ASCII4Bytes                // four decimal digits
	BCD2Bytes                  // four decimal digits in two bytes
)

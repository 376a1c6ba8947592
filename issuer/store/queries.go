package store

import (
	"encoding/hex"
	"strings"

	"tapsim/issuer"
)

// Queries that an index answers. The conditions are written as in the indexes
// (009.sql), or SQLite would not use them; a test asks it whether it does.

const (
	whereSTAN       = "substr(key, 25, 1) = '/' AND substr(key, 19, 6) = ?"
	whereCryptogram = "tap > x'0000000000000000000000000000' AND substr(tap, 7) = ?"
	whereRelated    = "substr(detail, 8, 8) > x'0000000000000000' AND substr(detail, 8, 8) = ?"
)

var (
	selectByReference  = selectRecords + " WHERE reference = ? AND reference <> '' ORDER BY state IN (1, 6), seq DESC LIMIT ?" // 1 and 6 moved nothing
	selectHolds        = selectRecords + " WHERE state = 2 ORDER BY time, seq LIMIT ?"
	selectAbout        = selectRecords + " WHERE " + whereRelated + " ORDER BY seq"
	selectEntriesOf    = selectEntries + " WHERE record = ? ORDER BY id"
	selectOpenDisputes = selectDisputes + " WHERE payment = ? AND state = 1 ORDER BY id"
)

// ofAccount is the query for the rows of an account.
func (t *table) ofAccount() string { return t.selection() + " WHERE account = ? ORDER BY rowid" }

// findRecords is the query for the latest records that fit, and its arguments.
func findRecords(q issuer.PaymentQuery) (string, []any) {
	var where []string
	var args []any
	add := func(condition string, arg any) {
		where, args = append(where, condition), append(args, arg)
	}
	if q.ID != 0 {
		add("seq = ?", q.ID)
	}
	if q.Cryptogram != "" {
		cryptogram, _ := hex.DecodeString(q.Cryptogram) // what is no hex is no record's, either
		add(whereCryptogram, append([]byte{}, cryptogram...))
	}
	if q.STAN != "" {
		add(whereSTAN, q.STAN)
	}
	if len(where) == 0 {
		add("?", true)
	}
	return selectRecords + " WHERE " + strings.Join(where, " AND ") + " ORDER BY seq DESC LIMIT ?", append(args, issuer.MaxFound)
}

package store

import (
	"encoding/hex"
	"strings"

	"tapsim/issuer"
)

// Queries that an index answers. The conditions are written as in the indexes
// (009.sql), or SQLite would not use them; a test asks it whether it does.

const (
	whereAccount    = "account = ?"
	whereSTAN       = "substr(key, 19, 6) = ?"
	whereCryptogram = "tap > x'0000000000000000000000000000' AND substr(tap, 7) = ?"
	whereRelated    = "substr(detail, 8, 8) > x'0000000000000000' AND substr(detail, 8, 8) = ?"
)

var (
	accountsRecords    = recordTable.shelved("seq", whereAccount) + " ORDER BY seq"
	accountsEntries    = entryTable.shelved("record", whereAccount) + " ORDER BY id"
	accountsNotices    = noticeTable.shelved("id", whereAccount) + " ORDER BY id"
	accountsDisputes   = selectDisputes + " WHERE " + whereAccount + " ORDER BY id"
	selectByReference  = selectRecords + " WHERE reference = ? AND reference <> '' ORDER BY state IN (1, 6), seq DESC LIMIT ?" // 1 and 6 moved nothing
	selectHolds        = selectRecords + " WHERE state = 2 ORDER BY time, seq LIMIT ?"
	selectAbout        = selectRecords + " WHERE " + whereRelated + " ORDER BY seq"
	selectEntriesOf    = selectEntries + " WHERE record >> 10 = ?1 >> 10 AND record = ?1 ORDER BY id"
	selectOpenDisputes = selectDisputes + " WHERE payment = ? AND state = 1 ORDER BY id"
)

// shelved is a query that looks through all shelves of a table, by an index of shelf
// and what the condition names. id is what its shelves are counted by; where the last
// one stands is read from the index, too.
func (t *table) shelved(id, where string) string {
	return "WITH RECURSIVE shelves (shelf) AS (SELECT 0 UNION ALL SELECT shelf + 1 FROM shelves WHERE shelf < (SELECT " + id + " >> 10 FROM " + t.name + " ORDER BY " + id + " >> 10 DESC LIMIT 1)) " +
		"SELECT " + strings.Join(t.columns, ", ") + " FROM shelves CROSS JOIN " + t.name + " WHERE " + id + " >> 10 = shelf AND " + where
}

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
	condition := strings.Join(where, " AND ")
	query := selectRecords + " WHERE " + condition
	switch {
	case condition == "":
		query = selectRecords
	case q.ID == 0:
		query = recordTable.shelved("seq", condition)
	}
	return query + " ORDER BY seq DESC LIMIT ?", append(args, issuer.MaxFound)
}

package store

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/issuer"
)

// Whatever somebody asks for, and whatever an authorisation looks up, SQLite finds by
// an index: no query but those for the whole bank reads all rows of a table.
func TestQueriesUseIndexes(t *testing.T) {
	s, err := Create(t.TempDir(), make([]byte, KeySize))
	require.NoError(t, err)
	defer s.Close()
	query := func(q issuer.PaymentQuery) string { text, _ := findRecords(q); return text }
	for text, index := range map[string]string{
		accountsRecords: "records_account (<expr>=? AND account=?)", accountsEntries: "entries_account (<expr>=? AND account=?)",
		accountsNotices: "notices_account (<expr>=? AND account=?)", accountsDisputes: "disputes_account",
		selectAbout: "records_related", selectEntriesOf: "entries_account (<expr>=?)", selectOpenDisputes: "disputes_open", selectHolds: "records_held", selectByReference: "records_reference",
		query(issuer.PaymentQuery{ID: 1}): "INTEGER PRIMARY KEY", query(issuer.PaymentQuery{ID: 1, STAN: "1"}): "INTEGER PRIMARY KEY",
		query(issuer.PaymentQuery{STAN: "1"}):                   "records_named (<expr>=? AND <expr>=?)",
		query(issuer.PaymentQuery{Cryptogram: "00"}):            "records_named (<expr>=?)",
		query(issuer.PaymentQuery{STAN: "1", Cryptogram: "00"}): "records_named (<expr>=? AND <expr>=? AND <expr>=?)",
	} {
		plan := planOf(t, s, text)
		require.Contains(t, plan, index, text)
		require.LessOrEqual(t, strings.Count(plan, "TEMP B-TREE"), 1, "only what was found is sorted: %s", text)
		require.NotRegexp(t, `(?m)^SCAN (records|entries|notices|disputes)$`, plan, text) // by an index it goes from the first hold that is open
	}
	require.Equal(t, "SCAN records", planOf(t, s, selectRecords+" WHERE merchant = ?"), "so it says when there is none")
}

// planOf is how SQLite means to answer a query; its arguments stay NULL.
func planOf(t *testing.T, s *Store, query string) string {
	rows, err := s.readers.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+query, make([]any, min(1, strings.Count(query, "?1"))+strings.Count(strings.ReplaceAll(query, "?1", ""), "?"))...)
	require.NoError(t, err)
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		plan = append(plan, detail)
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, plan)
	return strings.Join(plan, "\n")
}

package ledger

// HistoryOf is what the whole chain of a subject tells, once it is verified.
func HistoryOf(s Subject, entries []Entry) (History, error) {
	if err := Verify(s, Entry{}, entries); err != nil {
		return History{Subject: s}, err
	}
	return historyOf(s, entries)
}

package importer

// Summary tells what an import did. Every document that was read counts as created, unchanged,
// rejected or, when the import was cut short, none of these.
type Summary struct {
	// Complete is false when the import ended before the last document was answered.
	Complete bool `json:"complete"`
	// Documents counts them by kind. All kinds are there.
	Documents map[Kind]*Counts `json:"documents"`
	// Total counts them all.
	Total Counts `json:"total"`
	// RowsRead and RowsRejected count the rows of the files.
	RowsRead     int64 `json:"rows_read"`
	RowsRejected int64 `json:"rows_rejected"`
	// LinesStored counts the lines of documents that were created or unchanged.
	LinesStored int64 `json:"lines_stored"`
	// Reasons counts the rejected documents by reason. May be empty.
	Reasons map[string]int64 `json:"reasons"`
	// RejectsFiles hold every row that was rejected: one file, or more when the input files have
	// different columns. Empty when nothing was rejected.
	RejectsFiles []string `json:"rejects_files"`
	// Retries counts how often the stream was opened again.
	Retries int `json:"retries"`
}

// Counts are numbers of documents.
type Counts struct {
	Read      int64 `json:"read"`
	Created   int64 `json:"created"`
	Unchanged int64 `json:"unchanged"`
	Rejected  int64 `json:"rejected"`
}

func newSummary() *Summary {
	s := &Summary{Documents: map[Kind]*Counts{}, Reasons: map[string]int64{}, RejectsFiles: []string{}}
	for _, kind := range []Kind{KindOrder, KindNoChargeOnly, KindCancellation, KindStockAdjustment,
		KindLedgerAdjustment, KindUnknown} {
		s.Documents[kind] = &Counts{}
	}
	return s
}

func (s *Summary) read(doc *Document) {
	s.Documents[doc.Kind].Read++
	s.Total.Read++
	s.RowsRead += int64(len(doc.Rows))
}

func (s *Summary) created(doc *Document) {
	s.Documents[doc.Kind].Created++
	s.Total.Created++
	s.LinesStored += int64(len(doc.Lines))
}

func (s *Summary) unchanged(doc *Document) {
	s.Documents[doc.Kind].Unchanged++
	s.Total.Unchanged++
	s.LinesStored += int64(len(doc.Lines))
}

func (s *Summary) rejected(doc *Document, reason string) {
	s.Documents[doc.Kind].Rejected++
	s.Total.Rejected++
	s.RowsRejected += int64(len(doc.Rows))
	s.Reasons[reason]++
}

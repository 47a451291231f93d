package coalesce

// Turns let so many of several writers write at once, first come first served. What comes meanwhile
// gathers, for all of them: a database that has enough to do is given larger batches rather than more of
// them. Nil lets all write when they like.
type Turns chan struct{}

// NewTurns lets so many write at once.
func NewTurns(atOnce int) Turns { return make(Turns, atOnce) }

func (t Turns) take() {
	if t != nil {
		t <- struct{}{}
	}
}

func (t Turns) end() {
	if t != nil {
		<-t
	}
}

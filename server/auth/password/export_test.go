package password

// Waiting is how many may wait while one is hashing.
const Waiting = waiting

// Occupy takes the place of one that is hashing, until it is released.
func Occupy(h *Hasher) (release func()) {
	h.queue <- struct{}{}
	h.hashing <- struct{}{}
	return func() { <-h.hashing; <-h.queue }
}

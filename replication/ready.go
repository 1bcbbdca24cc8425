package replication

// Ready receives when TryNext may have something new: an event or the error
// that ends the stream. It may receive without cause.
func (s *Stream) Ready() <-chan struct{} { return s.queue.filled }

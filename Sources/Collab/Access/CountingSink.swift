/// Watches what goes into a sink: whatever has been written can no longer be taken back.
package final class CountingSink: Sendable {
    private let sink: ResponseSink
    private let written = Protected("")

    package init(_ sink: ResponseSink) {
        self.sink = sink
    }

    /// The sink to write into.
    package var entrance: ResponseSink {
        ResponseSink(isDiscarding: sink.isDiscarding) { [self] piece in
            written.withLock { $0 += piece }
            await sink.send(piece)
        }
    }

    /// What has been written so far.
    package var text: String { written.withLock { $0 } }
    /// What a reader has been given so far: nothing if nobody reads.
    package var delivered: String { sink.isDiscarding ? "" : text }
    /// Whether a reader has been given something.
    package var hasDelivered: Bool { !sink.isDiscarding && !isEmpty }
    /// Whether nothing has been written yet.
    package var isEmpty: Bool { written.withLock { $0.isEmpty } }
}

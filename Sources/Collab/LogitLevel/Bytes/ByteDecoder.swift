/// A decoder whose tokens are bytes; see ``ByteModel``.
///
/// A place of the text is a value that later bytes do not change, so a failure leaves the decoder as it was.
final class ByteDecoder: Decoder {
    private let reader: ByteReader
    private let collector: ByteStatisticsCollector
    private let state: Protected<State>

    /// A place in the text.
    private struct Place: Sendable {
        var count: Int
        var beam: ByteBeam
    }

    private struct State: Sendable {
        /// How many tokens of a prompt cannot be taken back one by one.
        var promptTokens: Int
        /// Where the written bytes begin; `nil` for a decoder that has read nothing yet.
        var start: ByteBeam?
        /// How many bytes of the text make up the prompt, if it was given as bytes.
        var promptBytes = 0
        var written: [UInt8] = []
        /// The last places, the latest at the end: what was written last is what is taken back.
        var recent: [Place] = []

        var beam: ByteBeam? { recent.last?.beam ?? start }
        var position: Int { promptTokens + written.count }
    }

    init(_ reader: ByteReader, _ collector: ByteStatisticsCollector, promptTokens: Int, start: ByteBeam?) {
        self.reader = reader
        self.collector = collector
        state = Protected(State(promptTokens: promptTokens, start: start))
    }

    private init(_ reader: ByteReader, _ collector: ByteStatisticsCollector, _ state: State) {
        self.reader = reader
        self.collector = collector
        self.state = Protected(state)
    }

    var position: Int { state.withLock { $0.position } }

    /// What is followed at the moment.
    var beam: ByteBeam? { state.withLock { $0.beam } }

    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        var bytes: [UInt8] = []
        for token in tokens {
            guard let byte = UInt8(exactly: token) else {
                throw CollabError(.invalidRequest, "\(token) is not a byte: a text goes on with 0 to 255.")
            }
            bytes.append(byte)
        }
        guard !bytes.isEmpty else {
            throw CollabError(.invalidRequest, "There are no bytes for \(reader.model.name) to read.")
        }
        var next = state.withLock { $0 }
        let rows = try await read(bytes, logits, &next)
        state.withLock { [next] in $0 = next }
        return rows
    }

    private func read(
        _ bytes: [UInt8],
        _ selection: LogitSelection,
        _ state: inout State
    ) async throws(CollabError) -> [Logits] {
        var statistics = ByteStatistics()
        defer { collector.add(statistics) }
        var (rows, rest): ([Logits], ArraySlice<UInt8>) = ([], bytes[...])
        if state.start == nil {
            // A prompt is cut into tokens as the model's tokenizer does it, unless every byte's logits are wanted.
            let prompt = selection == .all ? rest.prefix(1) : rest
            let text = String(decoding: prompt, as: UTF8.self)
            let start = try await reader.model.startDecoding(.completion(text))
            state.start = try reader.beam(at: start.decoder, start.logits, &statistics)
            state.written = Array(prompt)
            state.promptBytes = prompt.count
            rest = rest.dropFirst(prompt.count)
            if selection == .all, let beam = state.beam {
                rows.append(try reader.logits(of: beam, after: state.written))
            }
        }
        for byte in rest {
            guard let beam = state.beam else { break }
            let next = try await reader.push(byte, onto: beam, after: state.written, &statistics)
            statistics.bytes += 1
            state.written.append(byte)
            state.recent.append(Place(count: state.written.count, beam: next))
            if state.recent.count > 2 { state.recent.removeFirst() }
            if selection == .all { rows.append(try reader.logits(of: next, after: state.written)) }
        }
        if selection == .last, let beam = state.beam {
            rows.append(try reader.logits(of: beam, after: state.written))
        }
        return rows
    }

    func truncate(to count: Int) async throws(CollabError) {
        var next = state.withLock { $0 }
        let kept = count - next.promptTokens
        guard kept >= 0, kept <= next.written.count else {
            let message = "\(reader.model.name) was asked to go back to \(count) of \(next.position) tokens; "
            throw CollabError(
                .invalidRequest,
                message + "\(next.promptTokens) of them are a prompt that was not written in bytes."
            )
        }
        if kept == next.written.count { return }
        let bytes = Array(next.written[..<kept])
        next.recent.removeAll { $0.count > kept }
        if kept < next.promptBytes {
            next = State(promptTokens: 0, start: nil)
            if kept > 0 { _ = try await read(bytes, .none, &next) }
        } else if next.recent.last?.count == kept || kept == next.promptBytes {
            next.written = bytes
        } else {
            // Too long ago: the bytes are read again from the prompt's end.
            next.recent = []
            next.written = Array(bytes[..<next.promptBytes])
            _ = try await read(Array(bytes[next.promptBytes...]), .none, &next)
        }
        state.withLock { [next] in $0 = next }
    }

    /// A second decoder at the same place, with decoders of its own, since each serves one task at a time.
    func fork() async throws(CollabError) -> any Decoder {
        var copy = state.withLock { $0 }
        if let beam = copy.recent.last?.beam {
            copy.recent = [Place(count: copy.written.count, beam: try await fork(beam))]
        }
        if let start = copy.start { copy.start = try await fork(start) }
        return ByteDecoder(reader, collector, copy)
    }

    private func fork(_ beam: ByteBeam) async throws(CollabError) -> ByteBeam {
        var decoders: [any Decoder] = []
        for hypothesis in beam.hypotheses { decoders.append(try await hypothesis.context.decoder.fork()) }
        return beam.replacingDecoders(decoders)
    }
}

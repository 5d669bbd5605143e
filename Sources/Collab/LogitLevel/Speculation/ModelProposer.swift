internal import CollabKernels

/// Guesses that a model would have written: a small one of the same vocabulary, or a member of the fusion that checks
/// the guesses.
///
/// It reads the request as it renders it itself. It proposes its most probable tokens, or, where tokens are drawn, those
/// that it would have drawn itself with the same random numbers. Where its context is too short for the text, it proposes
/// nothing.
public struct ModelProposer: TokenProposer {
    /// The model that guesses.
    public let model: any LogitModel

    /// Makes a proposer of a model.
    public init(_ model: any LogitModel) { self.model = model }

    /// The model's name.
    public var name: String { model.name }

    /// Throws ``CollabError/Code/vocabularyMismatch`` if the models' tokens are not the same.
    public func validate(for target: any LogitModel) throws(CollabError) {
        try checkVocabularies(target, model)
    }

    /// Reads the prompt.
    public func start(
        _ request: Request?,
        prompt: [TokenID]
    ) async throws(CollabError) -> any TokenProposals {
        do throws(CollabError) {
            let start: DecodingStart
            if let request {
                start = try await model.startDecoding(request)
            } else if prompt.isEmpty {
                return ModelProposals(model, try await model.makeDecoder(), first: nil)
            } else {
                start = try await model.startDecoding(reading: prompt)
            }
            return ModelProposals(model, start.decoder, first: start.logits)
        } catch {
            if error.code == .contextOverflow { return NoProposals() }
            throw error.within(model.name)
        }
    }
}

/// No guesses, where the guessing model has no room for the prompt.
private struct NoProposals: TokenProposals {
    func propose(after written: [TokenID], count: Int) async throws(CollabError) -> [TokenID] { [] }
    func fork() async throws(CollabError) -> any TokenProposals { self }
}

/// A decoder of the guessing model that follows what is written.
private final class ModelProposals: TokenProposals {
    private let model: any LogitModel
    private let decoder: any Decoder
    /// How many tokens the prompt has.
    private let promptEnd: Int
    /// What comes at the answer's beginning, if anything has been read before it.
    private let first: Next?
    private let endTokens: Set<TokenID>
    private let vocabularySize: Int
    /// The tokens read since the prompt, and what comes after them.
    private let state: Protected<State>

    private struct State {
        var read: [TokenID]
        var next: Next?
    }

    /// What the next token is guessed from.
    private enum Next {
        case favourite(TokenID)
        case row(Logits)
    }

    init(_ model: any LogitModel, _ decoder: any Decoder, first: Logits?) {
        self.model = model
        self.decoder = decoder
        self.first = first.map { .row($0) }
        promptEnd = decoder.position
        endTokens = model.tokenizer.endTokens
        vocabularySize = model.tokenizer.count
        state = Protected(State(read: [], next: self.first))
    }

    private init(_ other: ModelProposals, decoder: any Decoder) {
        model = other.model
        self.decoder = decoder
        first = other.first
        promptEnd = other.promptEnd
        endTokens = other.endTokens
        vocabularySize = other.vocabularySize
        state = Protected(other.state.withLock { $0 })
    }

    func propose(after written: [TokenID], count: Int) async throws(CollabError) -> [TokenID] {
        try await propose(after: written, count: count, drawing: nil)
    }

    func propose(
        after written: [TokenID],
        count: Int,
        drawing sampler: TokenSampler?
    ) async throws(CollabError) -> [TokenID] {
        // The greedy rule needs no whole rows.
        var sampler = sampler.flatMap { $0.neededCount == 1 ? nil : $0 }
        let needsRows = sampler != nil
        var proposed: [TokenID] = []
        do throws(CollabError) {
            guard count > 0, var next = try await follow(written, needsRows: needsRows) else { return [] }
            while let token = guess(next, &sampler), !endTokens.contains(token) {
                proposed.append(token)
                guard proposed.count < count, room > 0 else { break }
                next = try await read([token], needsRows: needsRows)
            }
        } catch {
            // There was less room than it seemed, as where members of a fusion cut a token into several of their own.
            guard error.code == .contextOverflow else { throw error }
        }
        return proposed
    }

    /// The token to guess; `nil` if it would be behind the vocabulary's end.
    private func guess(_ next: Next, _ sampler: inout TokenSampler?) -> TokenID? {
        let token: TokenID?
        switch next {
        case .favourite(let favourite): token = favourite
        case .row(let row):
            if let drawn = try? sampler?.choose(
                from: row.count > vocabularySize ? row.cut(to: vocabularySize) : row
            ) {
                token = drawn.token
            } else {
                token = row.best
            }
        }
        return token.flatMap { $0 < vocabularySize ? $0 : nil }
    }

    /// Reads what is written; what comes after it, or `nil` if that is not known or there is no room.
    private func follow(_ written: [TokenID], needsRows: Bool) async throws(CollabError) -> Next? {
        let known = state.withLock { $0.read }
        var common = zip(known, written).prefix { $0 == $1 }.count
        // What comes in the midst of what has been read is not kept: the token before it is read again.
        if common == written.count, common < known.count, common > 0 { common -= 1 }
        if common < known.count {
            try await decoder.truncate(to: promptEnd + common)
            state.withLock { state in
                state.read.removeLast(state.read.count - common)
                state.next = common == 0 ? first : nil
            }
        }
        let rest = Array(written[common...])
        guard !rest.isEmpty else { return state.withLock { $0.next } }
        guard rest.count <= room else { return nil }
        return try await read(rest, needsRows: needsRows)
    }

    private func read(_ tokens: [TokenID], needsRows: Bool) async throws(CollabError) -> Next {
        let next: Next
        do throws(CollabError) {
            if !needsRows, let decoder = decoder as? any TopTokenDecoder {
                let top = try await decoder.append(tokens, top: 1, normalized: false)
                next = .favourite(top.entries.first?.token ?? TokenID(vocabularySize))
            } else {
                next = .row(try await decoder.append(tokens, logits: .last).last ?? Logits([]))
            }
        } catch {
            throw error.within(model.name)
        }
        state.withLock { state in
            state.read += tokens
            state.next = next
        }
        return next
    }

    private var room: Int {
        (decoder as? any BoundedDecoder)?.room ?? model.contextLength - decoder.position
    }

    func fork() async throws(CollabError) -> any TokenProposals {
        ModelProposals(self, decoder: try await decoder.fork())
    }
}

extension Logits {
    /// The id of the largest value, the lowest of equal ones; `nil` if there is none.
    var best: TokenID? {
        values.withUnsafeBufferPointer { Distribution.argmax($0) }.map { TokenID($0) }
    }

    /// The first tokens' values alone.
    func cut(to count: Int) -> Logits { values.count <= count ? self : Logits(Array(values[..<count])) }
}

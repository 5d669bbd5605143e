internal import CollabKernels

/// Guesses that a model would have written: a small one of the same vocabulary, or a member of the fusion that checks
/// the guesses.
///
/// It reads the request as it renders it itself, and proposes its most probable tokens.
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
            return ModelProposals(model, start.decoder, first: start.logits.best)
        } catch {
            throw error.within(model.name)
        }
    }
}

/// A decoder of the guessing model that follows what is written.
private final class ModelProposals: TokenProposals {
    private let model: any LogitModel
    private let decoder: any Decoder
    /// How many tokens the prompt has.
    private let promptEnd: Int
    /// The favourite at the answer's beginning, if anything has been read before it.
    private let first: TokenID?
    private let endTokens: Set<TokenID>
    private let vocabularySize: Int
    /// The tokens read since the prompt, and the favourite after them.
    private let state: Protected<State>

    private struct State {
        var read: [TokenID]
        var favourite: TokenID?
    }

    init(
        _ model: any LogitModel,
        _ decoder: any Decoder,
        first: TokenID?,
        promptEnd: Int? = nil,
        read: [TokenID] = [],
        favourite: TokenID? = nil
    ) {
        self.model = model
        self.decoder = decoder
        self.first = first
        self.promptEnd = promptEnd ?? decoder.position
        endTokens = model.tokenizer.endTokens
        vocabularySize = model.tokenizer.count
        state = Protected(State(read: read, favourite: favourite ?? first))
    }

    func propose(after written: [TokenID], count: Int) async throws(CollabError) -> [TokenID] {
        guard count > 0, var next = try await follow(written) else { return [] }
        var proposed: [TokenID] = []
        while next < vocabularySize, !endTokens.contains(next) {
            proposed.append(next)
            guard proposed.count < count, room > 0 else { break }
            next = try await read([next])
        }
        return proposed
    }

    /// Reads what is written; its favourite after it, or `nil` if there is none or no room.
    private func follow(_ written: [TokenID]) async throws(CollabError) -> TokenID? {
        let known = state.withLock { $0.read }
        var common = zip(known, written).prefix { $0 == $1 }.count
        // The favourite in the midst of what has been read is not kept: the token before it is read again.
        if common == written.count, common < known.count, common > 0 { common -= 1 }
        if common < known.count {
            try await decoder.truncate(to: promptEnd + common)
            state.withLock { state in
                state.read.removeLast(state.read.count - common)
                state.favourite = common == 0 ? first : nil
            }
        }
        let rest = Array(written[common...])
        guard !rest.isEmpty else { return state.withLock { $0.favourite } }
        guard rest.count <= room else { return nil }
        return try await read(rest)
    }

    private func read(_ tokens: [TokenID]) async throws(CollabError) -> TokenID {
        let best: TokenID?
        do throws(CollabError) {
            if let decoder = decoder as? any TopTokenDecoder {
                best = try await decoder.append(tokens, top: 1, normalized: false).entries.first?.token
            } else {
                best = try await decoder.append(tokens, logits: .last).last?.best
            }
        } catch {
            throw error.within(model.name)
        }
        state.withLock { state in
            state.read += tokens
            state.favourite = best
        }
        // A token behind the vocabulary's end is no guess.
        return best ?? TokenID(vocabularySize)
    }

    private var room: Int {
        (decoder as? any BoundedDecoder)?.room ?? model.contextLength - decoder.position
    }

    func fork() async throws(CollabError) -> any TokenProposals {
        let known = state.withLock { $0 }
        return ModelProposals(
            model,
            try await decoder.fork(),
            first: first,
            promptEnd: promptEnd,
            read: known.read,
            favourite: known.favourite
        )
    }
}

extension Logits {
    /// The id of the largest value, the lowest of equal ones; `nil` if there is none.
    fileprivate var best: TokenID? {
        values.withUnsafeBufferPointer { Distribution.argmax($0) }.map { TokenID($0) }
    }
}

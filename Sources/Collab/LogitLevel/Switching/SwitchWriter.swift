/// A member of an answer that several models write in turn: it reads what others have written, and writes on.
final class SwitchWriter {
    let model: any LogitModel
    private let decoder: any Decoder
    private let endTokens: Set<TokenID>
    private let vocabularySize: Int
    private var sampler: TokenSampler
    /// How much of the answer it has read, in bytes.
    private var read = 0
    /// What comes after that.
    private var row: Logits

    /// A word longer than so many tokens is cut.
    private static let longestWord = 10

    init(_ model: any LogitModel, _ start: DecodingStart, _ options: GenerationOptions, seed: UInt64) {
        self.model = model
        decoder = start.decoder
        row = start.logits
        endTokens = model.tokenizer.endTokens
        vocabularySize = model.tokenizer.count
        sampler = TokenSampler(options.sampling, seed: seed)
    }

    /// A piece of an answer.
    struct Piece {
        var bytes: [UInt8] = []
        var tokens = 0
        /// That of its tokens, and of the end if it comes to one.
        var logprob = 0.0
        /// Whether the writer would end the answer here.
        var isEnd = false
        /// Whether the writer's context is full.
        var isCut = false
        /// Whether the run's time was up before it was whole.
        var isLate = false

        /// The mean log-probability of a byte, the end counted as one.
        var logprobPerByte: Double { logprob / Double(max(bytes.count + (isEnd ? 1 : 0), 1)) }
    }

    var room: Int {
        (decoder as? any BoundedDecoder)?.room ?? model.contextLength - decoder.position
    }

    /// Reads the rest of an answer. It is cut into tokens where it was left off, which is at a word's beginning.
    func follow(_ answer: [UInt8]) async throws(CollabError) {
        guard read < answer.count else { return }
        let text = String(decoding: answer[read...], as: UTF8.self)
        let tokens = try model.tokenizer.encode(continuing: text)
        read = answer.count
        guard !tokens.isEmpty else { return }
        do throws(CollabError) {
            if let row = try await decoder.append(tokens, logits: .last).last { self.row = cut(row) }
        } catch {
            throw error.within(model.name)
        }
    }

    private func cut(_ row: Logits) -> Logits {
        row.count > vocabularySize ? row.cut(to: vocabularySize) : row
    }

    /// The most probable next token's bytes and probability; no bytes for an end.
    func favourite() throws(CollabError) -> (bytes: [UInt8], probability: Double) {
        row = cut(row)
        guard let best = row.best else {
            throw CollabError(.nothingToSample, "Every token is masked out (−∞) by “\(model.name)”.")
        }
        let probability = exp(row.logprob(of: best))
        return (endTokens.contains(best) ? [] : model.tokenizer.bytes(of: best), probability)
    }

    /// Lets the decoder know what it was asked for, so that it can tell of it.
    private func tell(_ token: TokenID) {
        (decoder as? any BoundedDecoder)?.didChoose(token, at: decoder.position)
    }

    /// Notes what the decoder has to tell of the tokens that were chosen from it.
    func note() { (decoder as? any NotingDecoder)?.note() }

    /// Writes a token and reads it; `nil` where the answer ends.
    private func step(_ token: TokenID, _ logprob: Double, into piece: inout Piece) async throws(CollabError)
    {
        tell(token)
        let bytes = model.tokenizer.bytes(of: token)
        piece.bytes += bytes
        piece.tokens += 1
        piece.logprob += logprob
        read += bytes.count
        if room > 0 {
            do throws(CollabError) { row = cut(try await decoder.append(token)) } catch {
                guard error.code == .contextOverflow else { throw error.within(model.name) }
                piece.isCut = true
            }
        } else {
            piece.isCut = true
        }
    }

    /// Writes one token.
    func writeToken() async throws(CollabError) -> Piece {
        var piece = Piece()
        let choice = try sampler.choose(from: cut(row))
        if endTokens.contains(choice.token) {
            tell(choice.token)
            piece.isEnd = true
            piece.logprob = choice.logprob
        } else {
            try await step(choice.token, choice.logprob, into: &piece)
        }
        return piece
    }

    /// Writes until the next token would begin a word, the answer ends, or there are so many tokens; a few more where
    /// they end within a character, which others could not read.
    func writeWord(atMost limit: Int = .max) async throws(CollabError) -> Piece {
        var piece = Piece()
        let longest = min(Self.longestWord, limit)
        while piece.tokens < longest || (piece.bytes.endsWithinCharacter && piece.tokens < longest + 3) {
            try checkCancellation()
            if Run.isTimeUp {
                piece.isLate = true
                return piece
            }
            var next = sampler
            let choice = try next.choose(from: cut(row))
            let bytes = model.tokenizer.bytes(of: choice.token)
            if endTokens.contains(choice.token) {
                // A word that ends the answer is a word; the end is found again at the next turn.
                piece.isEnd = piece.tokens == 0
                if piece.isEnd { tell(choice.token) }
                return piece
            }
            // White space alone is no word yet.
            let hasWord = piece.bytes.contains { !$0.isWhitespace }
            if hasWord, bytes.first?.isWhitespace ?? false { return piece }
            sampler = next
            try await step(choice.token, choice.logprob, into: &piece)
            if piece.isCut { return piece }
        }
        return piece
    }

    /// Writes so many tokens, or until the answer ends; a few more where they end within a character, which others could
    /// not read.
    func writePatch(of count: Int) async throws(CollabError) -> Piece {
        var piece = Piece()
        while piece.tokens < count || (piece.bytes.endsWithinCharacter && piece.tokens < count + 3),
            !piece.isEnd, !piece.isCut
        {
            try checkCancellation()
            if Run.isTimeUp {
                piece.isLate = true
                return piece
            }
            let next = try await writeToken()
            piece.bytes += next.bytes
            piece.tokens += next.tokens
            piece.logprob += next.logprob
            piece.isEnd = next.isEnd
            piece.isCut = next.isCut
        }
        return piece
    }

    /// A copy that can try something out.
    func fork() async throws(CollabError) -> SwitchWriter {
        SwitchWriter(self, try await decoder.fork())
    }

    private init(_ other: SwitchWriter, _ decoder: any Decoder) {
        (model, endTokens, vocabularySize) = (other.model, other.endTokens, other.vocabularySize)
        (sampler, read, row) = (other.sampler, other.read, other.row)
        self.decoder = decoder
    }
}

extension [UInt8] {
    /// Whether a UTF-8 text is cut within its last character.
    var endsWithinCharacter: Bool {
        guard let lead = suffix(4).lastIndex(where: { $0 & 0xc0 != 0x80 }), self[lead] >= 0xc0 else {
            return false
        }
        let length = self[lead] >= 0xf0 ? 4 : self[lead] >= 0xe0 ? 3 : 2
        return count - lead < length
    }
}

extension UInt8 {
    /// Whether a byte is white space in ASCII, or begins no character of its own.
    var isWhitespace: Bool { self == 0x20 || (0x09...0x0d).contains(self) }
}

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

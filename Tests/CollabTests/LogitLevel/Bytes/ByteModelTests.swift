import CollabTesting
import Testing

@testable import Collab

@Suite("Models read byte by byte")
struct ByteModelTests {
    let prompt = Request.completion("ab")

    /// The model's decoder behind the prompt, and the law it should follow.
    func start(_ model: ToyModel, _ pruning: BytePruning = .none) async throws -> (
        ByteDecoder, ByteModel, Segmentations
    ) {
        let bytes = ByteModel(model, pruning: pruning)
        let start = try await bytes.startDecoding(prompt)
        let decoder = try #require(start.decoder as? ByteDecoder)
        return (decoder, bytes, Segmentations(model: model, prompt: try model.promptTokens(for: prompt)))
    }

    func distance(_ left: [Double], _ right: [Double]) -> Double {
        zip(left, right).reduce(0) { $0 + abs($1.0 - $1.1) } / 2
    }

    @Test("a distribution worked by hand: what ends inside a token and what begins a new one are added up")
    func byHand() async throws {
        let model = ScriptedLogitModel("hand", vocabulary: ["a", "ab", "b"]) { _ in
            ["a": 0.5, "ab": 0.3, "b": 0.1, ScriptedLogitModel.end: 0.1]
        }
        let start = try await ByteModel(model, pruning: .none).startDecoding(.completion("b"))
        let decoder = try #require(start.decoder as? ByteDecoder)
        func expect(_ a: Double, _ b: Double, _ end: Double) throws {
            let distribution = try #require(decoder.beam).distribution
            #expect(abs(distribution[0x61] - a) < 1e-6)
            #expect(abs(distribution[0x62] - b) < 1e-6)
            #expect(abs(distribution[256] - end) < 1e-6)
        }
        try expect(0.8, 0.1, 0.1)
        _ = try await decoder.append(0x61)
        // Of 0.8: 0.3 goes on inside “ab”, 0.5 is “a”, after which everything may come.
        try expect(0.5 * 0.8 / 0.8, (0.3 + 0.5 * 0.1) / 0.8, 0.5 * 0.1 / 0.8)
        _ = try await decoder.append(0x62)
        try expect(0.8, 0.1, 0.1)
    }

    @Test(
        "without pruning they are sums over all segmentations",
        arguments: ["abababc", "aaabbcab", "é", "bacébé", "cabcabba"]
    )
    func exact(text: String) async throws {
        let (decoder, _, law) = try await start(.scrambled(.overlapping))
        var written: [UInt8] = []
        for byte in text.utf8 {
            let distribution = try #require(decoder.beam).distribution
            #expect(distance(distribution, law.distribution(after: written)) < 1e-6, "after \(written)")
            _ = try await decoder.append(TokenID(byte))
            written.append(byte)
        }
    }

    @Test("probability is conserved at every byte")
    func conservation() async throws {
        let (decoder, _, law) = try await start(.scrambled(.overlapping))
        let lexicon = ByteLexicon(ToyTokenizer.overlapping)
        var written: [UInt8] = []
        for byte in "ababcabacab".utf8 {
            let beam = try #require(decoder.beam)
            #expect(abs(beam.distribution.reduce(0, +) - 1) < 1e-12)
            // What goes on with a byte is what the byte's segmentations have together.
            for next in UInt8.min...UInt8.max {
                let masses = beam.candidates(next, lexicon).reduce(0) { $0 + $1.mass }
                #expect(abs(masses - beam.distribution[Int(next)]) < 1e-12, "byte \(next)")
            }
            let whole = law.probability(ofWhole: written)
            let parts = "abc".utf8.reduce(0) { $0 + law.probability(ofPrefix: written + [$1]) }
            let others =
                law.probability(ofPrefix: written + [0xC3]) + law.probability(ofPrefix: written + [0xA9])
            #expect(abs(whole + parts + others - law.probability(ofPrefix: written)) < 1e-12)
            _ = try await decoder.append(TokenID(byte))
            written.append(byte)
        }
    }

    @Test("each sequence of tokens is read once")
    func passes() async throws {
        let counted = Protected<[[TokenID]: Int]>([:])
        var model = ToyModel.scrambled(.overlapping)
        let next = model.next
        model.next = { tokens in
            counted.withLock { $0[tokens, default: 0] += 1 }
            return next(tokens)
        }
        let (decoder, bytes, _) = try await start(model)
        for byte in "ababc".utf8 { _ = try await decoder.append(TokenID(byte)) }
        let counts = counted.withLock { $0 }
        #expect(counts.values.allSatisfy { $0 == 1 })
        // The prompt's own pass is not one of the bytes'.
        #expect(bytes.statistics.forwardPasses == counts.count - 1)
        #expect(bytes.statistics.bytes == 5)
        #expect(bytes.statistics.droppedMaximum == 0)
    }

    @Test("pruning changes a distribution by little, follows few segmentations, and tells what it dropped")
    func pruning() async throws {
        let text = Array("abacabbabcabaabab".utf8)
        for threshold in [0.05, 1e-2, 1e-3] {
            let pruning = BytePruning(threshold: threshold, maximumHypotheses: 6)
            let (decoder, bytes, _) = try await start(.scrambled(.overlapping, spread: 8), pruning)
            let (whole, exact, _) = try await start(.scrambled(.overlapping, spread: 8))
            for byte in text.prefix(9) {
                let beam = try #require(decoder.beam)
                #expect(beam.hypotheses.count <= 6)
                _ = try await decoder.append(TokenID(byte))
                _ = try await whole.append(TokenID(byte))
            }
            #expect(bytes.statistics.mostHypotheses <= 6)
            #expect(bytes.statistics.forwardPasses < exact.statistics.forwardPasses)
            #expect(bytes.statistics.droppedMaximum > 0)
        }
        let candidates = [0.5, 0.3, 0.1999, 0.0001].map {
            ByteBeam.Candidate(parent: 0, partial: .init(range: 0..<0, length: 0), weight: $0, mass: $0)
        }
        let cut = BytePruning(threshold: 1e-3, maximumHypotheses: 2).kept(candidates)
        #expect(cut.kept.map(\.mass) == [0.5, 0.3])
        #expect(abs(cut.droppedShare - 0.2) < 1e-12)
        #expect(BytePruning(threshold: 1e-3).kept(candidates).kept.count == 3)
        #expect(BytePruning.none.kept(candidates).droppedShare == 0)
    }

    @Test("a small threshold gives distributions within about the threshold of the exact ones")
    func pruningError() async throws {
        let (decoder, _, law) = try await start(
            .scrambled(.overlapping, spread: 8),
            BytePruning(threshold: 1e-4)
        )
        var written: [UInt8] = []
        for _ in 0..<8 {
            let distribution = try #require(decoder.beam).distribution
            #expect(distance(distribution, law.distribution(after: written)) < 1e-3)
            let best = try #require(distribution[..<256].indices.max { distribution[$0] < distribution[$1] })
            _ = try await decoder.append(TokenID(best))
            written.append(UInt8(best))
        }
    }

    @Test("bytes are taken back, recent ones and old ones, and forks go their own way")
    func moves() async throws {
        let (decoder, _, law) = try await start(.scrambled(.overlapping))
        let trunk = decoder.position
        for byte in "abacab".utf8 { _ = try await decoder.append(TokenID(byte)) }
        for length in [5, 2, 0] {
            try await decoder.truncate(to: trunk + length)
            #expect(decoder.position == trunk + length)
            let expected = law.distribution(after: Array("abacab".utf8.prefix(length)))
            #expect(distance(try #require(decoder.beam).distribution, expected) < 1e-6)
        }
        let fork = try #require(try await decoder.fork() as? ByteDecoder)
        _ = try await fork.append(0x61)
        _ = try await decoder.append([0x62, 0x61], logits: .none)
        #expect(
            distance(try #require(fork.beam).distribution, law.distribution(after: Array("a".utf8))) < 1e-6
        )
        #expect(
            distance(try #require(decoder.beam).distribution, law.distribution(after: Array("ba".utf8)))
                < 1e-6
        )
        let error = await #expect(throws: CollabError.self) { try await decoder.truncate(to: 0) }
        #expect(error?.code == .invalidRequest)
    }

    @Test("a failed pass leaves the decoder where it was")
    func failure() async throws {
        let fails = Protected(false)
        var model = ToyModel.scrambled(.overlapping)
        model.onAppend = { (_) async throws(CollabError) in
            if fails.withLock({ $0 }) { throw CollabError(.invalidRequest, "not now") }
        }
        let (decoder, _, law) = try await start(model)
        fails.withLock { $0 = true }
        let position = decoder.position
        _ = await #expect(throws: CollabError.self) { try await decoder.append(0x61) }
        #expect(decoder.position == position)
        fails.withLock { $0 = false }
        _ = try await decoder.append(0x61)
        #expect(distance(try #require(decoder.beam).distribution, law.distribution(after: [0x61])) < 1e-6)
        for bad: [TokenID] in [[], [256], [-1], [1000]] {
            let error = await #expect(throws: CollabError.self) {
                try await decoder.append(bad, logits: .last)
            }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test("tokens without text are never written, and their probability is told")
    func masked() async throws {
        let vocabulary = ToyTokenizer(bytes: [[0x61], [0x62], []])
        let model = ToyModel("masked", vocabulary, always: logs(0.2, 0.1, 0.6, 0.1))
        let bytes = ByteModel(model)
        let start = try await bytes.startDecoding(.completion("a"))
        let distribution = try #require((start.decoder as? ByteDecoder)?.beam).distribution
        #expect(abs(distribution[0x61] - 0.5) < 1e-6)
        #expect(abs(distribution[256] - 0.25) < 1e-6)
        #expect(abs(bytes.statistics.maskedMaximum - 0.6) < 1e-6)
        let alone = ByteModel(ToyModel("alone", vocabulary, always: logs(0, 0, 1, 0)))
        let error = await #expect(throws: CollabError.self) {
            try await alone.startDecoding(.completion("a"))
        }
        #expect(error?.code == .nothingToSample)
        let mute = ByteModel(ToyModel("mute", ToyTokenizer(bytes: [[]]), always: logs(0.5, 0.5)))
        let silence = await #expect(throws: CollabError.self) {
            try await mute.startDecoding(.completion("a"))
        }
        #expect(silence?.code == .vocabularyMismatch)
    }

    @Test("the fewest tokens that spell a text are found, or that there are none")
    func spelling() {
        let lexicon = ByteLexicon(ToyTokenizer.overlapping)
        func spell(_ text: String) -> [String]? {
            lexicon.spelling(of: Array(text.utf8))?.map {
                String(decoding: ToyTokenizer.overlapping.bytes(of: $0), as: UTF8.self)
            }
        }
        #expect(spell("abcab") == ["abc", "ab"])
        #expect(spell("aba") == ["aba"])
        #expect(spell("") == [])
        #expect(spell("abx") == nil)
    }
}

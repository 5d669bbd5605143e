import Testing

@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Fusing models in the tokens of all of them")
struct FuseUnionTests {
    static let one = ToyTokenizer(["a", "b", "c", "ab"])
    static let other = ToyTokenizer(["c", "b", "a", "bc", "a"])

    @Test("the union has each text once, and one end")
    func vocabulary() throws {
        let union = try UnionVocabulary(of: [
            ToyModel("one", Self.one, always: []), ToyModel("other", Self.other, always: []),
        ])
        #expect(union.count == 6)
        #expect(
            (0..<5).map { String(decoding: union.bytes(of: $0), as: UTF8.self) } == [
                "a", "b", "c", "ab", "bc",
            ]
        )
        #expect(union.endTokens == [5] && union.isControl(5) && union.bytes(of: 5).isEmpty)
        #expect(abs(union.shared(0) - 0.75) < 1e-12)
        #expect(try union.encode("cab", parsingSpecialTokens: false) == [2, 3])
        let empty = #expect(throws: CollabError.self) { try UnionVocabulary(of: []) }
        #expect(empty?.code == .emptyTeam)
    }

    /// The reference is the mean of the members' probabilities by text, written out by hand.
    @Test("a mixture takes the mean of the probabilities of each text")
    func mixture() async throws {
        let p = [0.4, 0.3, 0.1, 0.1, 0.1]
        // “a” is two tokens of the other model.
        let q = [0.2, 0.1, 0.3, 0.25, 0.1, 0.05]
        let fused = FuseUnion(.mixture) {
            ToyModel("one", Self.one, always: p.map { Float(log($0)) })
            ToyModel("other", Self.other, always: q.map { Float(log($0)) })
        }
        let start = try await fused.startDecoding(Request(.completion("a")))
        let found = FusionReference.logSoftmax(start.logits.values.map { Double($0) }).map { exp($0) }
        let expected = [
            (0.4 + 0.3 + 0.1) / 2, (0.3 + 0.1) / 2, (0.1 + 0.2) / 2, 0.1 / 2, 0.25 / 2, (0.1 + 0.05) / 2,
        ]
        for (value, wanted) in zip(found, expected) { #expect(abs(value - wanted) < 1e-6) }
        let product = FuseUnion(.productOfExperts, members: fused.members)
        let row = try await product.startDecoding(Request(.completion("a"))).logits
        #expect(row[3] == -.infinity && row[4] == -.infinity)
    }

    @Test("a text that is one token for one member is read by the other as its own tokens")
    func reading() async throws {
        let reads = Protected<[[TokenID]]>([])
        var other = ToyModel("other", Self.other, always: [0, 0, 0, 0, 0, 0])
        other.onAppend = { (tokens) async throws(CollabError) in reads.withLock { $0.append(tokens) } }
        // Once “ab”, then “c”, then the end.
        let one = ToyModel("one", Self.one) { tokens in
            switch tokens.last {
            case 3: [0, 0, 9, 0, 0]
            case 2: [0, 0, 0, 0, 9]
            default: [0, 0, 0, 9, 0]
            }
        }
        let fused = FuseUnion(.mixture(weights: [0.9, 0.1]), members: [one, other])
        let response = try await fused.respond(to: Request(.completion("b")))
        #expect(response.text == "abc")
        #expect(response.ending == .finished)
        #expect(reads.withLock { $0 } == [[1], [2, 1], [0]])
    }

    @Test("decoders fork, go back, and return all rows, however many tokens a text is for a member")
    func decoders() async throws {
        let other = ToyModel("other", Self.other) { tokens in
            var generator = SeededGenerator(seed: UInt64(tokens.reduce(7) { $0 * 11 + Int($1) } & 0xffff))
            return (0..<6).map { _ in Float(generator.nextUnit()) }
        }
        let fused = FuseUnion(
            .mixture,
            members: [ToyModel("one", Self.one, always: [0, 0, 0, 0, 0]), other]
        )
        let decoder = try await fused.startDecoding(Request(.completion("b"))).decoder
        let rows = try await decoder.append([3, 4, 0], logits: .all)
        #expect(rows.count == 3)
        try await decoder.truncate(to: decoder.position - 2)
        let fork = try await decoder.fork()
        #expect(try await decoder.append(4).values == rows[1].values)
        #expect(try await fork.append([4, 0], logits: .last).first?.values == rows[2].values)
        let error = await #expect(throws: CollabError.self) { try await decoder.append(5) }
        #expect(error?.code == .invalidRequest)
    }

    @Test("a model whose vocabulary was not joined is refused")
    func strangers() throws {
        let union = try UnionVocabulary(of: [ToyModel("one", Self.one, always: [])])
        let error = #expect(throws: CollabError.self) {
            try UnionModel(ToyModel("other", Self.other, always: []), in: union)
        }
        #expect(error?.code == .vocabularyMismatch)
        let none = #expect(throws: CollabError.self) { try FuseUnion(.mixture, members: []).validate() }
        #expect(none?.code == .emptyTeam)
    }
}

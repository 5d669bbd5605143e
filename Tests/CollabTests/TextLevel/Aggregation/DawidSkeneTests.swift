import Collab
import Foundation
import Testing

@Suite("Dawid–Skene")
struct DawidSkeneTests {
    /// Four members of different skill on thirty questions with three classes.
    private static let said = """
        CABC BAAC CCAC ACBB CCCC CCBC CCAA CABA AAAC BBAB ACAA CACB BABA ACAB AAAA BBAA CBCC AABC BBAC CCCB ABCC CCCC \
        ABCB AACA CCCC AACA CCAC BBBC AACA BCCA
        """
    private static let names = ["w0", "w1", "w2", "w3"]
    private static let answers: [[Answer?]] = said.split(separator: " ").map { row in
        row.map { .value(String($0)) }
    }

    private func learned() throws -> DawidSkene {
        try DawidSkene(of: Self.names, from: Self.answers, smoothing: 0, iterations: 1000, tolerance: 1e-12)
    }

    @Test("comes to what crowd-kit 1.4.2 comes to")
    func reference() throws {
        let learned = try learned()
        #expect(learned.answers.map(\.description).joined() == "CBCCCCAAABACACABCABCCCCACACBAA")
        #expect(learned.classes == [.value("C"), .value("A"), .value("B")])
        for (own, theirs) in zip(learned.priors, [0.46014278832, 0.37655365871, 0.16330355297]) {
            #expect(abs(own - theirs) < 1e-5)
        }
        // w0 and w3 when the truth is C: what they say.
        for (own, theirs) in zip(learned.confusion[0][0], [0.6778188, 0.3221812, 0]) {
            #expect(abs(own - theirs) < 1e-5)
        }
        for (own, theirs) in zip(learned.confusion[3][1], [0.2149382, 0.7850618, 0]) {
            #expect(abs(own - theirs) < 1e-5)
        }
        for (own, theirs) in zip(learned.beliefs[0], [0.6261297, 0.3738703, 0]) {
            #expect(abs(own - theirs) < 1e-4)
        }
    }

    @Test("weighs new votes as it would have those that it learned from")
    func votes() throws {
        let learned = try learned()
        for (row, belief) in zip(Self.answers, learned.beliefs) {
            let votes = row.enumerated().map { member, answer in
                Ballot(member: member, name: Self.names[member], answer: answer ?? .unparsed)
            }
            let tally = Aggregation.dawidSkene(learned).count(votes, ties: .firstDeclared)
            for candidate in tally.candidates {
                let place = try #require(learned.classes.firstIndex(of: candidate.answer))
                #expect(abs(candidate.weight - belief[place]) < 1e-4)
            }
        }
    }

    @Test("learns from what was said alone: neither what could not be read nor who was not asked counts")
    func missing() throws {
        var answers = Self.answers
        answers.append([nil, .unparsed, nil, .unparsed])
        let learned = try DawidSkene(of: Self.names, from: answers)
        #expect(learned.confusion.joined().allSatisfy { abs($0.reduce(0, +) - 1) < 1e-9 })
        #expect(learned.beliefs.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-9 })
        #expect(learned.belief(about: [("stranger", .value("C"))])[.value("C")].map { $0 < 1 } == true)
    }

    @Test("refuses what it cannot learn from")
    func refusals() {
        #expect(throws: CollabError.self) { try DawidSkene(of: ["a"], from: [[.value("1"), .value("2")]]) }
        #expect(throws: CollabError.self) { try DawidSkene(of: ["a"], from: [[.unparsed], [nil]]) }
        #expect(throws: CollabError.self) { try DawidSkene(of: [], from: []) }
    }

    @Test("is kept as JSON")
    func json() throws {
        let learned = try learned()
        let data = try JSONEncoder().encode(learned)
        #expect(try JSONDecoder().decode(DawidSkene.self, from: data) == learned)
    }
}

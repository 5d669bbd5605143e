import Collab
import CollabBackends
import Foundation
import Testing

@Suite("A search for a merge is journalled")
struct SearchJournalTests {
    private static let bowl: @Sendable ([Double]) async throws(CollabError) -> Double = { point in
        let (x, y) = (point[0] - 0.7, point[1] + 0.2)
        return point[1] > 0.3 ? .infinity : x * x + 2 * y * y
    }

    private func search() throws -> MergeSearch {
        MergeSearch(try CovarianceSearch(from: [0, 0], step: 0.5, seed: 8), limit: 30)
    }

    @Test("broken off anywhere, even within a line, it goes on from the file and ends the same")
    func resumed() async throws {
        let folder = try TemporaryFolder()
        let whole = try await search().run(objective: Self.bowl)
        #expect(whole.trials.contains { $0.loss == .infinity }, "infinite losses are written too")
        let path = folder.path("search.jsonl")
        _ = try await search().run(journal: SearchJournal(at: path), objective: Self.bowl)
        let complete = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try SearchJournal(at: path).trials == whole.trials)
        let lines = complete.split(separator: UInt8(ascii: "\n"))
        for (kept, torn) in [(0, 0), (1, 5), (7, 0), (23, 12)] {
            var part = Data()
            for line in lines.prefix(kept) { part += line + [UInt8(ascii: "\n")] }
            part += lines[kept].prefix(torn)
            try part.write(to: URL(fileURLWithPath: path))
            let asked = Protected(0)
            let outcome = try await search().run(journal: SearchJournal(at: path)) {
                (point) async throws(CollabError) in
                asked.withLock { $0 += 1 }
                return try await Self.bowl(point)
            }
            #expect(outcome == whole)
            #expect(asked.withLock { $0 } == 30 - kept)
            #expect(try SearchJournal(at: path).trials == whole.trials)
        }
    }

    @Test("a trial is in the file before the next one begins, and a failure leaves those before it")
    func failure() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.jsonl")
        let asked = Protected(0)
        let error = await #expect(throws: CollabError.self) {
            try await search().run(journal: SearchJournal(at: path)) { (point) async throws(CollabError) in
                let number = asked.withLock { asked in
                    asked += 1
                    return asked
                }
                let known = try SearchJournal(at: path).trials.count
                guard known == number - 1, number < 5 else { throw CollabError(.invalidRequest, "\(known)") }
                return try await Self.bowl(point)
            }
        }
        #expect(error?.message == "4")
        #expect(try SearchJournal(at: path).trials.count == 4)
    }

    @Test(
        "what finished beside a trial that failed is in the file, and not asked for again",
        arguments: [1, 2, 8]
    )
    func siblings(_ later: Int) async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.jsonl")
        func search(_ concurrency: Int) throws -> MergeSearch {
            MergeSearch(
                try CovarianceSearch(from: [0, 0], step: 0.5, seed: 8),
                limit: 30,
                concurrency: concurrency
            )
        }
        let whole = try await search(1).run(objective: Self.bowl)
        let bad = whole.trials[1].point
        let finished = Protected(0)
        let error = await #expect(throws: CollabError.self) {
            try await search(4).run(journal: SearchJournal(at: path)) { (point) async throws(CollabError) in
                if point == bad {
                    // The others come first.
                    while finished.withLock({ $0 }) < 3 { await Task.yield() }
                    throw CollabError(.invalidRequest, "lost")
                }
                finished.withLock { $0 += 1 }
                return try await Self.bowl(point)
            }
        }
        #expect(error?.message == "lost")
        let kept = try SearchJournal(at: path).trials
        #expect(kept == [whole.trials[0], whole.trials[2], whole.trials[3]])
        for asks in [27, 0] {
            let asked = Protected(0)
            let outcome = try await search(later).run(journal: SearchJournal(at: path)) {
                (point) async throws(CollabError) in
                asked.withLock { $0 += 1 }
                return try await Self.bowl(point)
            }
            #expect(outcome == whole)
            #expect(asked.withLock { $0 } == asks)
        }
    }

    @Test("a loss of −∞ is read as what it was, and one of +∞ too")
    func infinities() throws {
        let folder = try TemporaryFolder()
        let file = folder.path("search.jsonl")
        let trials: [MergeSearch.Trial] = [-.infinity, .infinity, -2].map { .init(point: [1], loss: $0) }
        let journal = try SearchJournal(at: file)
        for trial in trials { try journal.record(trial) }
        #expect(try SearchJournal(at: file).trials == trials)
    }

    @Test("a journal is of one objective, where it says of which")
    func identity() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.jsonl")
        let journal = try SearchJournal(at: path, identity: "ties of a and b on text 1")
        let outcome = try await search().run(journal: journal, objective: Self.bowl)
        let same = try SearchJournal(at: path, identity: "ties of a and b on text 1")
        #expect(same.trials == outcome.trials)
        #expect(try SearchJournal(at: path).identity == "ties of a and b on text 1", "nobody has to ask")
        let other = #expect(throws: CollabError.self) {
            try SearchJournal(at: path, identity: "ties of a and b on text 2")
        }
        #expect(other?.code == .invalidRequest && other?.message.contains("text 1") == true)
        // Trials that say nothing may be of anything.
        let nameless = folder.path("nameless.jsonl")
        try SearchJournal(at: nameless).record(.init(point: [1], loss: 2))
        #expect(throws: CollabError.self) { try SearchJournal(at: nameless, identity: "x") }
    }

    @Test("a whole line that is no trial is named")
    func malformed() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.jsonl")
        try Data("{\"point\":[1],\"loss\":2}\n{\"other\":1}\n".utf8).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: CollabError.self) { try SearchJournal(at: path) }
        #expect(error?.code == .malformedFile && error?.message.contains("Line 2") == true)
    }

    @Test("another file is refused, and stays as it is", arguments: [#"{"a":1}"#, "{\n  \"a\": 1\n}"])
    func foreign(_ text: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("other.json")
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: CollabError.self) { try SearchJournal(at: path, identity: "x") }
        #expect(error?.code == .malformedFile)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    @Test("a line that is cut off behind a brace is passed over, also when others have followed it")
    func cutAtBrace() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.jsonl")
        for cut in [#"{"identity":"{\"a\":1}"#, #"{"point":[1],"other":{}"#] {
            try Data(cut.utf8).write(to: URL(fileURLWithPath: path))
            let trial = MergeSearch.Trial(point: [1], loss: 2)
            let journal = try SearchJournal(at: path, identity: "{\"a\":1}")
            #expect(journal.trials.isEmpty)
            try journal.record(trial)
            #expect(try SearchJournal(at: path, identity: "{\"a\":1}").trials == [trial])
        }
    }
}

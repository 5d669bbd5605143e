import Collab

/// Members who mark everything that they say, so that what a request shows tells exactly who was heard.
///
/// A mark depends on the member and the request alone. So the same run has the same marks, whichever member is quicker.
final class ScriptedTable: Sendable {
    /// What a member says to a request.
    typealias Script = @Sendable (CollaborationConformance.Call) async throws(CollabError) -> String

    /// A call that was answered or at least received.
    struct Record: Sendable {
        var call: CollaborationConformance.Call
        var mark: String
        var text: String
    }

    private struct State {
        var records: [Record] = []
        var active = 0
        var received = 0
    }

    private let state = Protected(State())
    let names: [String]
    private let script: Script

    init(names: [String], script: @escaping Script) {
        self.names = names
        self.script = script
    }

    /// The members.
    var members: [any TextModel] {
        names.indices.map { Member(index: $0, table: self) }
    }

    /// What was said, in the order in which it was received.
    var records: [Record] { state.withLock { $0.records } }
    /// How many calls have begun and not ended.
    var active: Int { state.withLock { $0.active } }
    /// How many calls have begun.
    var received: Int { state.withLock { $0.received } }

    private struct Member: TextModel {
        let index: Int
        let table: ScriptedTable

        var name: String { table.names[index] }

        func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
            try request.validate()
            let text = try await table.answer(request, by: index)
            for piece in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                if Task.isCancelled { throw .cancelled }
                await sink.send(piece.offset == 0 ? String(piece.element) : "\n" + piece.element)
            }
            if Task.isCancelled { throw .cancelled }
            let words = text.split(separator: " ").count
            return Response(text: text, model: name, usage: Usage(completionTokens: words, calls: 1))
        }
    }

    private func answer(_ request: Request, by member: Int) async throws(CollabError) -> String {
        let call = state.withLock { state in
            defer {
                state.active += 1
                state.received += 1
            }
            return CollaborationConformance.Call(
                member: member,
                request: request,
                number: state.received,
                heard: Self.marks(in: request).count
            )
        }
        defer { state.withLock { $0.active -= 1 } }
        let mark = Self.mark(of: member, request)
        // On a line of its own, so that it belongs to no answer.
        let text = "\(try await script(call))\n\(mark)"
        state.withLock { $0.records.append(Record(call: call, mark: mark, text: text)) }
        return text
    }

    // MARK: Marks

    private static func mark(of member: Int, _ request: Request) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ text: String) {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = (hash ^ 0xff) &* 0x100_0000_01b3
        }
        mix("\(member) \(request.sample)")
        for message in request.messages { mix("\(message.role.rawValue) \(message.text)") }
        // Without vowels, and in lower case, no mark is a word or a letter of a choice.
        let letters = Array("bcdfghjklmnpqrstvwxz")
        var generator = SeededGenerator(seed: hash)
        return "«" + String((0..<12).compactMap { _ in letters.randomElement(using: &generator) }) + "»"
    }

    /// The marks that a request shows.
    static func marks(in request: Request) -> Set<String> {
        var found: Set<String> = []
        for message in request.messages {
            for part in message.text.split(separator: "«").dropFirst() {
                if let end = part.firstIndex(of: "»") { found.insert("«\(part[..<end])»") }
            }
        }
        return found
    }
}

extension ScriptedTable {
    /// The calls with whom each has heard: `ada1 ← ada0 bob0`; those that heard nobody first, all in an order that does
    /// not depend on who was quicker.
    var transcript: [String] {
        let records = records
        var depths: [String: Int] = [:]
        let heard = records.map { Self.marks(in: $0.call.request) }
        // What a call has heard was said before it, so its depth is known by then.
        for (record, marks) in zip(records, heard) {
            depths[record.mark] = marks.reduce(0) { max($0, (depths[$1] ?? -1) + 1) }
        }
        var labels: [String: String] = [:]
        var counts = [Int](repeating: 0, count: names.count)
        func shown(_ index: Int) -> String {
            heard[index].compactMap { labels[$0] }.sorted().joined(separator: " ")
        }
        var order: [Int] = []
        // Depth by depth, since calls of one depth are ordered by what they have heard of lesser ones.
        for depth in Set(depths.values).sorted() {
            func key(_ index: Int) -> (Int, Int, String, String) {
                let call = records[index].call
                return (call.member, call.request.sample, shown(index), records[index].mark)
            }
            let level = records.indices.filter { depths[records[$0].mark] == depth }
            for index in level.sorted(by: { key($0) < key($1) }) {
                let member = records[index].call.member
                labels[records[index].mark] = "\(names[member])\(counts[member])"
                counts[member] += 1
                order.append(index)
            }
        }
        return order.map { index in
            let (label, shown) = (labels[records[index].mark] ?? "?", shown(index))
            return shown.isEmpty ? label : "\(label) ← \(shown)"
        }
    }
}

import Foundation

/// Texts that suites measure with; the same in every run.
enum SampleTexts {
    /// A file of the project's tests.
    static func fixture(_ name: String) -> URL {
        URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
            .appendingPathComponent("Tests/CollabBackendsTests/Fixtures/" + name)
    }

    /// Where the set-up keeps models.
    static var models: URL {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["COLLAB_MODELS"] { return URL(fileURLWithPath: folder) }
        #if os(macOS)
            let cache = NSHomeDirectory() + "/Library/Caches"
        #else
            let cache = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        #endif
        return URL(fileURLWithPath: cache + "/collab/models")
    }

    /// The beginning of *Alice's Adventures in Wonderland*.
    static func english() throws -> String {
        try String(contentsOf: fixture("goldens/engine/ppl-alice.txt"), encoding: .utf8)
    }

    /// Documents of about four kilobytes: the English text with its words in another order each time.
    static func englishDocuments(bytes: Int) throws -> [String] {
        let words = try english().split(separator: " ", omittingEmptySubsequences: false)
        var random = Steps()
        var documents: [String] = []
        var size = 0
        while size < bytes {
            let start = random.next(words.count)
            var document = ""
            for offset in 0..<800 { document += words[(start + offset * 7) % words.count] + " " }
            size += document.utf8.count
            documents.append(document)
        }
        return documents
    }

    /// Documents of words that hardly repeat, in several scripts, so that no cache helps.
    static func mixedDocuments(bytes: Int) -> [String] {
        let alphabets = [
            "abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмноп", "日本語文字列処理", "0123456789", "{}[]();:=<>\n\t",
        ].map { Array($0) }
        var random = Steps()
        var documents: [String] = []
        var size = 0
        while size < bytes {
            var document = ""
            for _ in 0..<500 {
                let alphabet = alphabets[random.next(8) % 5]
                for _ in 0..<(2 + random.next(9)) { document.append(alphabet[random.next(alphabet.count)]) }
                document.append(" ")
            }
            size += document.utf8.count
            documents.append(document)
        }
        return documents
    }

    /// Sentences of so many words.
    static func sentences(_ count: Int, words: ClosedRange<Int>) throws -> [String] {
        let all = try english().split { $0 == " " || $0 == "\n" }
        var random = Steps()
        return (0..<count).map { _ in
            let length = words.lowerBound + random.next(words.count)
            let start = random.next(all.count - length)
            return all[start..<(start + length)].joined(separator: " ")
        }
    }

    /// Writes texts where a peer can read them.
    static func write(_ texts: [String], in folder: URL, _ name: String) throws -> String {
        let file = folder.appendingPathComponent(name + ".json")
        try JSONEncoder().encode(texts).write(to: file)
        return file.path
    }

    /// A linear congruence (D. Knuth's MMIX): the same numbers everywhere.
    struct Steps {
        private var state: UInt64 = 7

        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(max(bound, 1)))
        }
    }
}

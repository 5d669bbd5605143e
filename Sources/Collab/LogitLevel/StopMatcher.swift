/// Ends text at stop sequences that may lie across several pieces of it.
///
/// Text that may still turn out to be the beginning of a stop sequence is held back, so that nothing is shown which
/// would have to be taken back. The sequence that is complete first ends the text; of several that are complete at
/// the same place, the one that began first. The result does not depend on how the text is cut into pieces.
///
///     var matcher = try StopMatcher(["\nUser:"])
///     matcher.append("Hello\nUs").text   // "Hello"
///     matcher.append("ing").text         // "\nUsing"
///
/// It is the automaton of A. Aho and M. Corasick, *Efficient String Matching*, 1975: one step a byte.
public struct StopMatcher: Sendable {
    /// What a piece of text brought.
    public struct Output: Sendable, Hashable {
        /// Text that may be shown.
        public var text: String
        /// The stop sequence that ended the text, or nil while it goes on. Nothing comes after it.
        public var stop: String?

        /// Makes an output.
        public init(text: String, stop: String? = nil) {
            self.text = text
            self.stop = stop
        }
    }

    private struct Node: Sendable {
        var next: [UInt8: Int] = [:]
        /// The node of the longest proper suffix that begins some sequence.
        var fallback = 0
        /// How many bytes lead here.
        var depth = 0
        /// The longest sequence that ends here.
        var stop: String?
    }

    private var nodes = [Node()]
    private var state = 0
    private var held: [UInt8] = []
    /// The sequence that ended the text.
    public private(set) var stop: String?

    /// Makes a matcher.
    ///
    /// - Throws: ``CollabError/Code/invalidRequest`` for an empty stop sequence, which would end every text at once.
    public init(_ stops: [String]) throws(CollabError) {
        for stop in stops {
            if stop.isEmpty {
                throw CollabError(.invalidRequest, "A stop sequence is empty; leave it out or give it text.")
            }
            insert(stop)
        }
        linkFallbacks()
    }

    private mutating func insert(_ stop: String) {
        var node = 0
        for byte in stop.utf8 {
            if let next = nodes[node].next[byte] {
                node = next
            } else {
                nodes.append(Node(depth: nodes[node].depth + 1))
                nodes[node].next[byte] = nodes.count - 1
                node = nodes.count - 1
            }
        }
        nodes[node].stop = stop
    }

    private mutating func linkFallbacks() {
        var queue = Array(nodes[0].next.values)
        var head = 0
        while head < queue.count {
            let node = queue[head]
            head += 1
            for (byte, next) in nodes[node].next {
                nodes[next].fallback = step(from: nodes[node].fallback, byte)
                queue.append(next)
            }
            if nodes[node].stop == nil { nodes[node].stop = nodes[nodes[node].fallback].stop }
        }
    }

    private func step(from node: Int, _ byte: UInt8) -> Int {
        var node = node
        while true {
            if let next = nodes[node].next[byte] { return next }
            if node == 0 { return 0 }
            node = nodes[node].fallback
        }
    }

    /// Takes the next piece of text and returns what of it may be shown.
    public mutating func append(_ text: String) -> Output {
        if stop != nil || (nodes.count == 1 && held.isEmpty) {
            return Output(text: stop == nil ? text : "", stop: stop)
        }
        for byte in text.utf8 {
            held.append(byte)
            state = step(from: state, byte)
            if let found = nodes[state].stop {
                stop = found
                let shown = String(decoding: held.dropLast(found.utf8.count), as: UTF8.self)
                held.removeAll()
                return Output(text: shown, stop: found)
            }
        }
        // A stop sequence begins with a whole character, so the cut never falls inside one.
        let shown = held.count - nodes[state].depth
        if shown == 0 { return Output(text: "") }
        let output = String(decoding: held[..<shown], as: UTF8.self)
        held.removeSubrange(..<shown)
        return Output(text: output)
    }

    /// Ends the text: returns what was held back, since no stop sequence will come of it.
    public mutating func finish() -> String {
        defer {
            held.removeAll()
            state = 0
        }
        return String(decoding: held, as: UTF8.self)
    }
}

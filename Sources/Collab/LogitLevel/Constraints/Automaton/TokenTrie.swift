/// A vocabulary as a tree of bytes, in the order in which one reads it.
///
/// Tokens that begin alike share the nodes of what they have in common, so an automaton reads a whole vocabulary in about
/// as many steps as it has different beginnings, and leaves out whole branches.
struct TokenTrie: Sendable {
    /// A byte in some tokens.
    struct Node: Sendable {
        /// The byte.
        var byte: UInt8
        /// How many bytes come before it.
        var depth: UInt16
        /// The node after the last of the branch.
        var end: Int32
        /// How many tokens end before this byte, in the order of reading.
        var firstToken: Int32
        /// Which kinds of bytes come after it within the branch.
        var kinds: UInt64
    }

    /// Whose tokens they are.
    let vocabulary: VocabularyIdentity
    /// How many ids the vocabulary has.
    let vocabularySize: Int
    /// The nodes, each in front of its branch.
    private(set) var nodes: [Node] = []
    /// How many bytes the longest token has.
    private(set) var depth = 0
    /// The tokens in the order of their bytes.
    private let tokens: [TokenID]

    /// Makes the tree of a vocabulary's tokens that stand for text.
    init(_ tokenizer: any Tokenizer) {
        vocabulary = VocabularyIdentity(tokenizer)
        let lexicon = ByteLexicon(tokenizer)
        vocabularySize = lexicon.vocabularySize
        tokens = lexicon.tokens
        // The nodes that lead to the last token.
        var path: [Int] = []
        var last: ArraySlice<UInt8> = []
        for place in lexicon.tokens.indices {
            // A token longer than a text can be is of no use.
            let bytes = lexicon.bytes(at: place).prefix(Int(UInt16.max))
            let common = zip(last, bytes).prefix { $0 == $1 }.count
            close(&path, to: common)
            for (offset, byte) in bytes.enumerated().dropFirst(common) {
                path.append(nodes.count)
                nodes.append(
                    Node(byte: byte, depth: UInt16(offset), end: 0, firstToken: Int32(place), kinds: 0)
                )
            }
            depth = max(depth, bytes.count)
            last = bytes
        }
        close(&path, to: 0)
    }

    /// Ends the branches behind the first nodes of a path.
    private mutating func close(_ path: inout [Int], to count: Int) {
        while path.count > count {
            let node = path.removeLast()
            nodes[node].end = Int32(nodes.count)
            if let parent = path.last {
                nodes[parent].kinds |= nodes[node].kinds | ByteKind.bit(of: nodes[node].byte)
            }
        }
    }

    /// The tokens that end at some neighbouring nodes.
    func tokens(of nodes: Range<Int>) -> ArraySlice<TokenID> {
        func firstToken(_ node: Int) -> Int {
            node < self.nodes.count ? Int(self.nodes[node].firstToken) : tokens.count
        }
        return tokens[firstToken(nodes.lowerBound)..<firstToken(nodes.upperBound)]
    }
}

extension TokenTrie {
    /// The trees of the vocabularies that were constrained last, whatever constrains them: sorting a vocabulary takes as
    /// long as many tokens, and a constraint may be made for a single answer.
    private static let recent = Protected<[TokenTrie]>([])
    private static let mostKept = 4

    /// The tree of a vocabulary, made once.
    static func shared(for tokenizer: any Tokenizer) -> TokenTrie {
        let vocabulary = VocabularyIdentity(tokenizer)
        let known = recent.withLock { tries in tries.first { $0.vocabulary == vocabulary } }
        if let known { return known }
        let trie = TokenTrie(tokenizer)
        recent.withLock { tries in
            tries.removeAll { $0.vocabulary == vocabulary }
            tries.insert(trie, at: 0)
            if tries.count > mostKept { tries.removeLast() }
        }
        return trie
    }
}

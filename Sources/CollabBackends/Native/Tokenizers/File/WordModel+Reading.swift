import Collab

extension BytePairModel {
    init(
        _ written: WrittenModel,
        _ options: TokenizerComponent,
        _ table: TokenTable,
        isByteLevel: Bool,
        unknown: TokenID?,
        number: (ArraySlice<UInt8>) -> Int?
    ) throws(CollabError) {
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            guard try (options.optionalText(key) ?? "").isEmpty else {
                throw CollabError(
                    .unsupported,
                    "tokenizer.json: a BPE model with a \(key) is not known here."
                )
            }
        }
        if let dropout = options.json["dropout"]?.doubleValue, dropout != 0 {
            throw CollabError(
                .unsupported,
                "tokenizer.json: a BPE model with dropout gives other tokens every time."
            )
        }
        var merges = MergeTable(capacityFor: written.merges.left.count)
        var joined: [UInt8] = []
        for rank in 0..<written.merges.left.count {
            let (left, right) = (written.merges.left[rank], written.merges.right[rank])
            joined.removeAll(keepingCapacity: true)
            joined.append(contentsOf: left)
            joined.append(contentsOf: right)
            guard let first = number(left), let second = number(right), let result = number(joined[...])
            else {
                throw options.malformed(
                    "has a merge, number \(rank), of or into a token that is not in the vocabulary"
                )
            }
            merges.insert(written.ids[first], written.ids[second], rank: rank, joined: written.ids[result])
        }
        self.merges = merges
        self.table = table
        self.unknown = unknown
        startsFromBytes = isByteLevel
        fusesUnknown = try options.bool("fuse_unk", default: false)
        takesWholeWords = try options.bool("ignore_merges", default: false)
        bytesBeforeInnerMark = isByteLevel || takesWholeWords ? nil : Self.bytesBeforeInnerMark(table)
    }

    /// After which bytes some token goes on with `▁`. Almost none do, so long text may be cut before its marks.
    private static func bytesBeforeInnerMark(_ table: TokenTable) -> [Bool]? {
        let mark: [UInt8] = [0xE2, 0x96, 0x81]
        guard table.find(mark) != nil else { return nil }
        var isInner = [Bool](repeating: false, count: 256)
        for (id, kind) in table.kinds.enumerated() where kind.isReachableByMerging {
            let string = table.strings[id]
            guard string.count > 3 else { continue }
            for place in string.indices.dropFirst().dropLast(2)
            where string[place] == mark[0] && string[place + 1] == mark[1] && string[place + 2] == mark[2] {
                let followsMark =
                    place >= string.startIndex + 3 && string[(place - 3)..<place].elementsEqual(mark)
                if !followsMark { isInner[Int(string[place - 1])] = true }
            }
        }
        return isInner
    }
}

extension UnigramModel {
    init(_ written: WrittenModel, _ table: TokenTable, unknown: TokenID?) throws(CollabError) {
        guard written.scores.count == written.ids.count else {
            throw CollabError(
                .malformedFile,
                "tokenizer.json: a Unigram model needs a list of tokens with scores."
            )
        }
        var trie = ByteTrie()
        for (index, id) in written.ids.enumerated() {
            // Byte tokens are found by their names too, as the reference has it; control tokens are not.
            let kind = table.kinds[Int(id)]
            guard kind.isReachableByMerging || kind == .byte else { continue }
            try trie.insert(written.tokens[index], id)
        }
        self.trie = trie
        scores = written.scores
        byteTokens = table.byteTokens
        self.unknown = unknown
        unknownScore = (written.scores.min() ?? 0) - Self.unknownPenalty
    }
}

extension WordPieceModel {
    init(
        _ written: WrittenModel,
        _ options: TokenizerComponent,
        _ table: TokenTable,
        unknown: TokenID?
    ) throws(CollabError) {
        guard let unknown else { throw options.malformed("has no unk_token that is in the vocabulary") }
        let prefix = Array((try options.optionalText("continuing_subword_prefix") ?? "##").utf8)
        var beginnings = ByteTrie()
        var continuations = ByteTrie()
        for id in written.ids where table.kinds[Int(id)].isReachableByMerging {
            let string = table.strings[Int(id)]
            try beginnings.insert(string, id)
            if string.count > prefix.count, string.starts(with: prefix) {
                try continuations.insert(string.dropFirst(prefix.count), id)
            }
        }
        self.beginnings = beginnings
        self.continuations = continuations
        self.unknown = unknown
        longestWord = try options.count("max_input_chars_per_word", default: 100)
    }
}

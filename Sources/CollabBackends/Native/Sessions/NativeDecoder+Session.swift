public import Collab

extension NativeDecoder {
    /// Writes what has been read to a file: the tokens with their keys and values, so that
    /// ``NativeModel/loadSession(from:)`` goes on from here without computing anything again, bit by bit.
    ///
    /// The file appears under its name only when it is complete. It holds the text's tokens in the clear: guard it as
    /// you would the text. The decoder can be used meanwhile.
    ///
    /// Throws ``Collab/CollabError`` with `inputOutput`, `invalidRequest` while a task uses the decoder, and `cancelled`.
    public func save(to path: String) async throws(CollabError) {
        let sequence = try current()
        let engine = engine
        try await Background.run { () throws(CollabError) in
            try SessionFile.write(
                sequence,
                to: path,
                model: try engine.identity.digest(),
                pool: engine.keyValues
            )
        }
    }
}

extension NativeModel {
    /// A decoder that has read what ``NativeDecoder/save(to:)`` wrote.
    ///
    /// The model must be the same, run in the same precision and formats of weights, keys and values, under the same adapters.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `inputOutput`, `malformedFile` for a file that is cut or
    /// damaged, `unsupported` for a file of another version, `invalidRequest` for a session of another model or under
    /// other adapters, `contextOverflow`, `memoryLimit`, and `cancelled`.
    public func loadSession(from path: String) async throws(CollabError) -> NativeDecoder {
        let (engine, adapters, name, contextLength) = (engine, adapters, name, contextLength)
        let sequence = try await Background.run { () throws(CollabError) in
            let reader = SessionFile.Reader(
                name: name,
                identity: try engine.identity.digest(),
                adapters: adapters,
                pool: engine.keyValues,
                contextLength: contextLength,
                vocabularySize: engine.weights.configuration.vocabularySize
            )
            return try reader.read(path)
        }
        return makeNativeDecoder(sequence)
    }
}

extension AdaptedNativeModel {
    /// A decoder that has read what a decoder under the same adapters wrote; see ``NativeModel/loadSession(from:)``.
    public func loadSession(from path: String) async throws(CollabError) -> NativeDecoder {
        try await model.loadSession(from: path)
    }
}

import Collab
import CollabCache
import Foundation

// Stores answers one after the other until it is killed, and says after each that it is stored. With a first number and a
// count it stores those and ends.
struct Numbered: TextModel {
    let name = "numbered"

    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let text = String(repeating: request.question + " ", count: 200)
        await sink.send(text)
        return Response(
            text: text,
            model: name,
            usage: Usage(promptTokens: 1, completionTokens: 200, calls: 1)
        )
    }
}

let model = Numbered().cached(in: try ResponseCache(path: CommandLine.arguments[1]))
let range = CommandLine.arguments.dropFirst(2).compactMap { Int($0) }
let first = range.first ?? 0
for number in first..<(first + (range.last ?? 1_000_000)) {
    _ = try await model.respond(to: "\(number)")
    FileHandle.standardOutput.write(Data("\(number)\n".utf8))
}

import Collab
import CollabBackends
import Foundation

/// Renders chat templates for a comparison with another interpreter.
///
/// Every line of the standard input is a JSON object with `source` and `variables`; the answer is a line with
/// `output`, or with `error` and `code`. The date is 14 March 2025, 11:00 UTC.
enum TemplateRun {
    private struct Answer: Encodable {
        var output: String?
        var error: String?
        var code: String?
    }

    static func run() {
        let encoder = JSONEncoder()
        while let line = readLine() {
            var answer = Answer()
            do throws(CollabError) {
                answer.output = try render(try JSONValue(parsing: line))
            } catch {
                answer.error = error.message
                answer.code = "\(error.code)"
            }
            let json = (try? encoder.encode(answer)) ?? Data("{}".utf8)
            print(String(decoding: json, as: UTF8.self))
            fflush(nil)
        }
    }

    private static func render(_ job: JSONValue) throws(CollabError) -> String {
        guard let source = job["source"]?.stringValue, let variables = job["variables"]?.objectValue else {
            throw CollabError(.invalidRequest, "A line needs “source” and “variables”.")
        }
        var template = try ChatTemplate(source: source)
        template.now = { 1_741_950_000 }
        return try template.render(messages: [] as [JSONValue], addGenerationPrompt: false, extra: variables)
    }
}

import Collab
import CollabTesting
import Recipes
import Testing

@Suite("Recipe: a strong model elsewhere that never sees what is private")
struct PrivateDeskTests {
    private let local = ScriptedModel("local", always: "From here.")
    private let remote = ScriptedModel("remote") { (request, _) throws(CollabError) in
        ScriptedAnswer("Noted: \(request.question)")
    }

    @Test("The remote model sees placeholders, the user does not")
    func placeholders() async throws {
        let desk = privateDesk(local: local, remote: remote, names: ["Anna Miller"])
        let question = "Tell Anna Miller (anna@example.org) that 4111 1111 1111 1111 was declined"
        #expect(try await desk.respond(to: question).text == "Noted: " + question)
        #expect(
            remote.requests.map(\.question) == [
                "Tell [NAME_1] ([EMAIL_1]) that [CARD_1] was declined"
            ]
        )
    }

    @Test("What stands in a file is not sent: the local model answers")
    func files() async throws {
        let desk = privateDesk(local: local, remote: remote, names: [])
        let file = Attachment.file([1, 2, 3], mediaType: "application/pdf", name: "letter.pdf")
        let answer = try await desk.respond(to: Request([.user("What does it say?", attachments: [file])]))
        #expect(answer.text == "From here.")
        #expect(remote.callCount == 0)
    }
}

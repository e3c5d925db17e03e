"""The addresses of courses."""

from typing import Annotated

from fastapi import Query

from aulario.core.endpoints import Working
from aulario.core.pagination import Paged, WantedPage, paged
from aulario.core.routing import Routes
from aulario.services.courses import access, actions, queries
from aulario.services.courses.actions import NewCourse
from aulario.services.courses.schemas import CourseIn, CourseOut, EnrolmentOut, WelcomeIn

routes = Routes("courses")


@routes.to("GET", "/api/courses", access.MEMBERS)
async def list_courses(work: Working, page: WantedPage) -> Paged[CourseOut]:
    """List the academy's courses, newest first."""
    return paged(CourseOut, await work.read(queries.courses, page), page)


@routes.to("POST", "/api/courses", access.AUTHORS, status=201)
async def add_course(body: CourseIn, work: Working) -> CourseOut:
    """Make a course and publish it; you are its teacher."""
    new = NewCourse(**body.model_dump())
    return await work.creating(CourseOut, actions.add_course, new, work.caller.user_id)


@routes.to("PUT", "/api/courses/welcome", access.ADMINS)
async def choose_welcome(body: WelcomeIn, work: Working) -> CourseOut:
    """Choose the course that each new person is given."""
    return CourseOut.model_validate(await work(actions.choose_welcome, body.course_id))


@routes.to("GET", "/api/courses/{course_id}", access.MEMBERS)
async def show_course(course_id: str, work: Working) -> CourseOut:
    """Show one course."""
    return CourseOut.model_validate(await work.read(queries.course, course_id))


@routes.to("GET", "/api/enrolments", access.MEMBERS)
async def list_enrolments(
    work: Working, page: WantedPage, user_id: Annotated[str | None, Query(max_length=36)] = None
) -> Paged[EnrolmentOut]:
    """List enrolments, newest first: your own, or for teachers and administrators everybody's or one person's."""
    found = await work.read(queries.enrolments, page, access.listed(work.caller, user_id))
    return paged(EnrolmentOut, found, page)
